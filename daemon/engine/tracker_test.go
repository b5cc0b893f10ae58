package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/api"
	"ftd/launcher"
	"ftd/logparse"
)

// stepRecord is a step as the parser gives it.
func stepRecord(offset, step int64, loss, ms float64) logparse.Record {
	return logparse.Record{Kind: logparse.KindStep, Offset: offset, Step: logparse.Step{
		Epoch: 2, Epochs: 3, Step: step, Total: 10, Loss: loss, StepMS: ms,
		LR: logparse.Number{Value: 1e-5, Known: true}, Overflow: logparse.True}}
}

func phaseRecord(p logparse.Phase, at time.Time) logparse.Record {
	return logparse.Record{Kind: logparse.KindPhase, Phase: p, Time: at}
}

func TestFoldingABatchGivesPointsPhasesAndASummary(t *testing.T) {
	// The log's clock is local time without a zone.
	at := func(second int) time.Time { return time.Date(2026, 1, 2, 3, 4, second, 0, time.UTC) }
	real := func(second int) time.Time { return time.Date(2026, 1, 2, 3, 4, second, 0, time.Local).UTC() }
	first := begun(real(0), 0)
	next, out := first.fold("train.1", launcher.Batch{File: "1:2", Path: "rank_0.log", Offset: 500, Parser: []byte("p"), Read: at(50), Records: []logparse.Record{
		phaseRecord(logparse.PhaseCompiling, at(1)),
		phaseRecord(logparse.PhaseTraining, at(9)),
		phaseRecord(logparse.PhaseTraining, at(10)), // no change
		stepRecord(100, 1, 2.5, 8000),
		stepRecord(200, 2, math.NaN(), 400),
		{Kind: logparse.KindProgress, Progress: logparse.Progress{SamplesPerSec: 7}},
		stepRecord(300, 3, math.Inf(1), 600),
		{Kind: logparse.KindProblem, Offset: 400, Line: 7, Problem: logparse.Problem{Text: "boom", Signature: &logparse.Signature{ID: "static-tls", Cause: "c", Remedy: "r"}}},
	}})
	require.Empty(t, first.lead().Recent, "the tracker before is as it was")

	require.Len(t, out.Points, 3)
	require.EqualValues(t, 13, out.Points[2].GlobalStep)
	require.Nil(t, out.Points[0].LossScale)
	require.True(t, *out.Points[0].Overflow)
	require.Equal(t, []api.PhaseChange{{Phase: api.PhaseCompiling, Since: real(1)}, {Phase: api.PhaseTraining, Since: real(9)}}, out.Phases)
	require.Equal(t, "static-tls", out.Problems[0].Error.Code)
	require.Equal(t, "rank_0.log:7", out.Problems[0].Error.Source)
	require.Equal(t, []string{"boom"}, out.Problems[0].Error.Excerpt)
	require.EqualValues(t, 500, out.Offset)

	s := next.summary("train.1")
	require.Equal(t, api.PhaseTraining, s.Phase)
	require.Equal(t, real(9), s.PhaseSince)
	require.Equal(t, real(1), *s.CompileBegan)
	require.Equal(t, real(9), *s.CompileEnded)
	require.EqualValues(t, 13, s.StepsDone)
	require.EqualValues(t, 30, s.StepsTotal)
	require.EqualValues(t, 3, s.OverflowSteps)
	require.EqualValues(t, 2, s.NonFinite)
	require.EqualValues(t, 7, s.SamplesPerSec)
	require.InDelta(t, 0.5, float64(s.StepSeconds), 1e-9, "without the first")
	require.InDelta(t, 17*0.5, float64(*s.SecondsLeft), 1e-9)

	// What is stored is the whole of it, and a batch that could not be stored
	// has left no trace in it.
	data, err := json.Marshal(next)
	require.NoError(t, err)
	_, _ = next.fold("train.1", launcher.Batch{Records: []logparse.Record{stepRecord(900, 9, 1, 10)}})
	data, err = same(data, next)
	require.NoError(t, err)
	back := newTracker()
	require.NoError(t, json.Unmarshal(data, &back))
	again, err := json.Marshal(back)
	require.NoError(t, err)
	require.JSONEq(t, string(data), string(again))
}

// same is data, or an error if that is not what the tracker is now.
func same(data []byte, t tracker) ([]byte, error) {
	now, err := json.Marshal(t)
	if err == nil && !bytes.Equal(data, now) {
		err = fmt.Errorf("%s has become %s", data, now)
	}
	return data, err
}

func TestTheLowestRankThatLogsStepsSpeaksForAll(t *testing.T) {
	tr := begun(time.Now(), 0)
	for _, rank := range []int{3, 2} {
		tr, _ = tr.fold("train.1", launcher.Batch{Rank: rank, Records: []logparse.Record{stepRecord(1, int64(rank), 1, 10)}})
	}
	require.EqualValues(t, 12, tr.summary("train.1").StepsDone)
	require.Equal(t, api.PhaseStarting, begun(time.Now(), 0).summary("train.1").Phase)
	require.Equal(t, api.Training{Attempt: "train.1"}, newTracker().summary("train.1"))
}

func TestTheMedianForgetsTheFirstStep(t *testing.T) {
	tr := newTracker()
	for i := range int64(recentSteps + 10) {
		ms := 20.0
		if i == 0 {
			ms = 600_000
		}
		tr, _ = tr.fold("a", launcher.Batch{Records: []logparse.Record{stepRecord(i, i+1, 1, ms)}})
		if i == 0 {
			require.Zero(t, tr.summary("a").StepSeconds, "nothing but the compile is known")
			require.Nil(t, tr.summary("a").SecondsLeft)
		}
	}
	r := tr.lead()
	require.Len(t, r.Recent, recentSteps)
	require.InDelta(t, 0.02, median(r.Recent), 1e-9)
	require.InDelta(t, 600+0.02*(recentSteps+9), r.Seconds, 1e-6)
	require.EqualValues(t, recentSteps+9, r.Steps[1], "up to 25 ms")
	require.EqualValues(t, 1, r.Steps[len(r.Steps)-1], "longer than all buckets")
	require.InDelta(t, 1.5, median([]float64{3, 1, 2, 1}), 1e-9)
}

// TestARealLogFoldsAlikeInOneBatchOrMany feeds logs of real trainings.
func TestARealLogFoldsAlikeInOneBatchOrMany(t *testing.T) {
	logs, err := filepath.Glob("../../testdata/logs/*.log")
	require.NoError(t, err)
	require.NotEmpty(t, logs)
	steps := 0
	for _, path := range logs {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		at := time.Unix(1e9, 0)
		var records []logparse.Record
		p := logparse.NewParser()
		collect := func(r *logparse.Record) { records = append(records, *r) }
		p.Feed(text, collect)
		p.Flush(collect)
		whole, _ := newTracker().fold("a", launcher.Batch{Read: at, Records: records})
		pieces, _ := newTracker().fold("a", launcher.Batch{Read: at})
		for len(records) > 0 {
			n := min(3, len(records))
			pieces, _ = pieces.fold("a", launcher.Batch{Read: at, Records: records[:n]})
			records = records[n:]
		}
		want, err := json.Marshal(whole)
		require.NoError(t, err)
		got, err := json.Marshal(pieces)
		require.NoError(t, err)
		require.JSONEq(t, string(want), string(got), path)
		steps += int(whole.lead().Points)
	}
	require.Positive(t, steps)
}

func TestSpeedInSamplesAndTokens(t *testing.T) {
	setting := func(name logparse.SettingName, v float64) logparse.Record {
		return logparse.Record{Kind: logparse.KindSetting, Setting: logparse.Setting{Name: name, Value: v}}
	}
	e := opened(t, t.TempDir(), &calls{})
	speed := func(records ...logparse.Record) (samples, tokens float64) {
		next, _ := newTracker().fold("train.3", launcher.Batch{Records: records})
		e.live.update("01", "train.3", next)
		shown := e.Trainings()[0]
		require.Equal(t, 3, shown.Attempts)
		return float64(shown.SamplesPerSec), shown.TokensPerSec
	}
	samples, tokens := speed(stepRecord(1, 1, 1, 500), stepRecord(2, 2, 1, 500))
	require.Zero(t, samples)
	require.Zero(t, tokens)
	samples, tokens = speed(setting(logparse.SettingBatchSize, 4), setting(logparse.SettingSeqLength, 512), stepRecord(1, 1, 1, 500), stepRecord(2, 2, 1, 500))
	require.EqualValues(t, 8, samples)
	require.EqualValues(t, 8*512, tokens)
	progress := logparse.Record{Kind: logparse.KindProgress}
	progress.Progress.SamplesPerSec = 3
	samples, tokens = speed(setting(logparse.SettingSeqLength, 512), progress, stepRecord(1, 1, 1, 500))
	require.EqualValues(t, 3, samples, "what the log says itself")
	require.EqualValues(t, 3*512, tokens)
}
