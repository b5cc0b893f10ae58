package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/stretchr/testify/require"

	"ftd/api"
)

// story is a job: how it was when it was submitted, and its events. The one of
// tiny-llama was recorded (GET /v1/events of a whole run on MindSpore 2.7.0);
// the others have what that run did not have.
type story struct {
	job    api.Job
	events []api.Event
}

func readStory(t *testing.T, name string) story {
	t.Helper()
	f, err := os.Open("testdata/stories/" + name + ".jsonl")
	require.NoError(t, err)
	defer f.Close()
	var s story
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	require.True(t, lines.Scan())
	require.NoError(t, json.Unmarshal(lines.Bytes(), &s.job))
	for lines.Scan() {
		var e api.Event
		require.NoError(t, json.Unmarshal(lines.Bytes(), &e))
		s.events = append(s.events, e)
	}
	require.NoError(t, lines.Err())
	return s
}

// tell plays a story on a view, with a tick on each full second.
func (s story) tell(v view) *model {
	m := newModel(s.job)
	now := s.job.Created
	v.show(m, nil, now)
	for _, e := range s.events {
		for next := now.Truncate(time.Second).Add(time.Second); next.Before(e.Time); next = next.Add(time.Second) {
			v.tick(m, next)
		}
		now = e.Time
		v.show(m, m.apply(e), now)
	}
	v.close()
	return m
}

func TestStoriesInLines(t *testing.T) {
	for _, name := range []string{"tiny-llama", "success", "failure"} {
		var out bytes.Buffer
		readStory(t, name).tell(&linesView{w: &out})
		golden(t, name+"-lines.txt", out.String())
	}
}

func TestStoriesOnAScreen(t *testing.T) {
	for _, name := range []string{"tiny-llama", "success", "failure"} {
		var out bytes.Buffer
		readStory(t, name).tell(&screenView{w: &out, width: func() int { return 100 }})
		golden(t, name+"-screen.txt", strings.ReplaceAll(out.String(), clearLine, " <drawn over>\n"))
	}
}

func TestAStoryLeavesTheModelAsTheDaemonHasIt(t *testing.T) {
	m := readStory(t, "success").tell(&linesView{w: &bytes.Buffer{}})
	require.Equal(t, api.StateSucceeded, m.job.State)
	for _, s := range m.job.Steps {
		require.True(t, s.State.Ended(), s.ID)
	}
	require.EqualValues(t, 100, m.job.Training.StepsDone)
	require.EqualValues(t, 1, m.job.Training.OverflowSteps)
	require.EqualValues(t, 1, m.job.Training.NonFinite)
	require.InDelta(t, 0.031, float64(m.job.Training.StepSeconds), 1e-9)
}

// A follower that comes late begins with the daemon's summary and gets events
// that are part of it already while it catches up.
func TestASummaryIsNotCountedTwice(t *testing.T) {
	s := readStory(t, "success")
	m := newModel(s.job)
	last := s.events[len(s.events)-1].ID
	m.refresh(api.Job{Event: last, Training: &api.Training{Attempt: "train.1", Phase: api.PhaseTraining,
		StepsDone: 100, StepsTotal: 100, OverflowSteps: 1, NonFinite: 1, SamplesPerSec: 18.2}})
	for _, e := range s.events {
		m.apply(e)
	}
	require.EqualValues(t, 1, m.job.Training.OverflowSteps)
	require.EqualValues(t, 18.2, m.job.Training.SamplesPerSec)
	m.refresh(api.Job{Event: 1, Training: &api.Training{OverflowSteps: 7}})
	require.EqualValues(t, 1, m.job.Training.OverflowSteps, "an older summary must not win")
}

// In a training of several processes each one logs phases and steps.
func TestOneRankSpeaksForAll(t *testing.T) {
	m := newModel(api.Job{})
	tell := func(rank int, kind string, v any) []news {
		data, err := json.Marshal(v)
		require.NoError(t, err)
		return m.apply(api.Event{ID: 1, Step: "train", Attempt: "train.1", Rank: rank, Type: kind, Data: data})
	}
	phase := func(rank int, p api.Phase) []news {
		return tell(rank, api.EventPhase, api.PhaseChange{Phase: p, Since: noon})
	}
	require.NotEmpty(t, phase(3, api.PhaseCompiling), "nobody else has spoken yet")
	require.Empty(t, phase(0, api.PhaseCompiling), "the same phase")
	require.Empty(t, phase(3, api.PhaseTraining), "rank 0 speaks")
	points := losses(5, 4)
	points[1].Overflow = ptr(true)
	require.NotEmpty(t, tell(7, api.EventPoints, points), "the last stage of a pipeline logs the loss")
	require.NotEmpty(t, phase(7, api.PhaseTraining), "and says from then on how it stands")
	require.Empty(t, phase(0, api.PhaseSaving))
	require.EqualValues(t, 1, m.job.Training.OverflowSteps)
	require.Empty(t, tell(8, api.EventPoints, points))
	require.EqualValues(t, 1, m.job.Training.OverflowSteps, "one step, logged twice")
}

// The first step holds the compile: what it took says nothing about the rest.
func TestTheFirstStepIsNoMeasure(t *testing.T) {
	m := newModel(api.Job{})
	points := losses(5, 4, 3)
	points[0].StepMS = 10564
	for i, p := range points {
		p.Total = 124
		data, err := json.Marshal([]api.Point{p})
		require.NoError(t, err)
		m.apply(api.Event{ID: int64(i + 1), Type: api.EventPoints, Data: data})
		line := trainingLine(m.job.Training)
		if i == 0 {
			require.Equal(t, "step 1/124  loss 5.000  overflow 0", line)
		} else {
			require.Contains(t, line, "0.031 s/step  left 0:04")
		}
	}
}

func TestEventsThatCannotBeUnderstoodChangeNothing(t *testing.T) {
	m := newModel(trainedJob())
	before := m.job
	for _, e := range []api.Event{
		{Type: "something-new", Data: json.RawMessage(`{}`)},
		{Type: api.EventStep, Data: json.RawMessage(`[]`)},
		{Type: api.EventPoints, Data: json.RawMessage(`[]`)},
		{Type: api.EventProgress, Step: "nowhere", Data: json.RawMessage(`{"done":1}`)},
		{Type: api.EventJob},
	} {
		require.Empty(t, m.apply(e))
	}
	require.Equal(t, before, m.job)
}

func TestTheLiveLineFitsEveryTerminal(t *testing.T) {
	for _, columns := range []int{1, 2, 10, 40, 80} {
		var out bytes.Buffer
		v := &screenView{w: &out, width: func() int { return columns }}
		m := newModel(trainedJob())
		v.tick(m, noon)
		require.Less(t, runewidth.StringWidth(v.drawn), max(columns, 1))
		v.close()
		require.Empty(t, v.drawn)
	}
}

func TestTheLiveLineIsTheOnePromised(t *testing.T) {
	m := newModel(trainedJob())
	require.Equal(t, "  step 42/100  loss 5.312  0.031 s/step  18.2 samples/s  left 0:02  overflow 0", liveLine(m, noon))
	m.job.Training.Phase, m.job.Training.PhaseSince, m.job.Training.Last = api.PhaseCompiling, noon, nil
	require.Equal(t, "  compiling 00:07, nothing is wrong: the first compile takes minutes on a card", liveLine(m, noon.Add(7*time.Second)))
}
