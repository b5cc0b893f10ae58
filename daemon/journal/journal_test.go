package journal

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

func open(t *testing.T, path string) *Journal {
	t.Helper()
	j, warning, err := Open(t.Context(), path)
	require.NoError(t, err)
	require.Empty(t, warning)
	t.Cleanup(func() { j.Close() })
	return j
}

// pages reads all events after one, of one job if it is named, page by page.
func pages(t *testing.T, j *Journal, after int64, job string) (all []api.Event) {
	t.Helper()
	for more := true; more; {
		page, again, err := j.Page(t.Context(), after, job)
		require.NoError(t, err)
		if all, more = append(all, page...), again; len(page) > 0 {
			after = page[len(page)-1].ID
		}
	}
	return all
}

func fresh(t *testing.T) *Journal { return open(t, filepath.Join(t.TempDir(), "journal.db")) }

// job stores a job with the steps "data" and "train" and an attempt train.1.
func job(t *testing.T, j *Journal, id string) {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, j.CreateJob(ctx, api.Job{
		ID: id, Name: "name-of-" + id, Recipe: "tiny", State: api.StateQueued, Dir: "/runs/" + id, Created: time.Now().UTC(),
		Steps: []api.Step{{ID: "data", Uses: "records", State: api.StateQueued}, {ID: "train", Uses: "train", State: api.StateQueued}},
	}, api.Submit{Recipe: "tiny", Vars: map[string]string{"steps": "5"}}))
	a, err := j.BeginAttempt(ctx, id, "train", "boot-1", func(a string) string { return "/runs/" + id + "/" + a })
	require.NoError(t, err)
	require.Equal(t, "train.1", a.ID)
}

func batch(job string, offset int64, points ...api.Point) Batch {
	return Batch{Job: job, Step: "train", Attempt: "train.1", File: "1:2", Path: "rank_0.log",
		Offset: offset, Parser: []byte("state"), Points: points, Tracker: json.RawMessage(`{}`)}
}

func TestOnlyTheOwnerReadsTheJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	job(t, open(t, path), "01")
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
	}
}

func TestAJobIsReadBackAsItWasStored(t *testing.T) {
	j := fresh(t)
	ctx := t.Context()
	job(t, j, "01a")
	moved, err := j.SetJob(ctx, "01a", api.StateRunning, nil)
	require.NoError(t, err)
	require.True(t, moved)
	require.NoError(t, j.SetStep(ctx, "01a", api.Step{ID: "data", State: api.StateRunning, Key: "abc"}, time.Now()))
	require.NoError(t, j.SetStep(ctx, "01a", api.Step{ID: "data", State: api.StateSucceeded, Outputs: map[string]string{"file": "/x"}}, time.Now()))
	require.NoError(t, j.SetShim(ctx, "01a", "train.1", map[string]any{"pid": 7, "child": 8}, []byte("{}")))
	code := 137
	require.NoError(t, j.EndAttempt(ctx, "01a", api.Attempt{ID: "train.1", State: api.StateFailed, ExitCode: &code, Signal: "SIGKILL",
		Error: &api.Error{Code: "training-failed", Message: "killed"}}))
	_, err = j.SetJob(ctx, "01a", api.StateFailed, &api.Error{Code: "training-failed", Message: "killed", Excerpt: []string{"a", "b"}})
	require.NoError(t, err)

	got, err := j.Job(ctx, "01a")
	require.NoError(t, err)
	require.Equal(t, api.StateFailed, got.State)
	require.Equal(t, []string{"a", "b"}, got.Error.Excerpt)
	require.Equal(t, map[string]string{"steps": "5"}, got.Vars)
	require.NotNil(t, got.Started)
	require.NotNil(t, got.Ended)
	require.Len(t, got.Steps, 2)
	require.Equal(t, "abc", got.Steps[0].Key)
	require.Equal(t, map[string]string{"file": "/x"}, got.Steps[0].Outputs)
	require.NotNil(t, got.Steps[0].Ended)
	attempt := got.Steps[1].Attempts[0]
	require.Equal(t, 8, attempt.PID)
	require.Equal(t, 137, *attempt.ExitCode)
	require.Equal(t, "/runs/01a/train.1", attempt.Dir)

	_, err = j.Job(ctx, "02")
	var e *api.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, api.CodeNotFound, e.Code)
	require.Error(t, j.SetStep(ctx, "01a", api.Step{ID: "nothing", State: api.StateRunning}, time.Now()))
}

func TestAJobThatEndedStaysEndedAndOneThatStopsDoesNotRun(t *testing.T) {
	for _, c := range []struct {
		from, to api.State
		moved    bool
	}{
		{api.StateQueued, api.StateRunning, true},
		{api.StateQueued, api.StateStopped, true},
		{api.StateRunning, api.StateStopping, true},
		{api.StateStopping, api.StateRunning, false},
		{api.StateStopping, api.StateStopped, true},
		{api.StateSucceeded, api.StateRunning, false},
		{api.StateSucceeded, api.StateStopping, false},
		{api.StateFailed, api.StateSucceeded, false},
	} {
		j := fresh(t)
		job(t, j, "01")
		if c.from != api.StateQueued {
			_, err := j.SetJob(t.Context(), "01", c.from, nil)
			require.NoError(t, err)
		}
		moved, err := j.SetJob(t.Context(), "01", c.to, nil)
		require.NoError(t, err)
		require.Equal(t, c.moved, moved, "%s to %s", c.from, c.to)
	}
}

func TestAPersonMayTypeThePrefixOrTheName(t *testing.T) {
	j := fresh(t)
	for _, id := range []string{"01aa", "01ab", "02"} {
		job(t, j, id)
	}
	for ref, want := range map[string]string{"01aa": "01aa", "0": "", "01a": "", "02": "02", "01AB": "01ab", "name-of-02": "02", "": "", "%": "", "zz": ""} {
		id, err := j.Resolve(t.Context(), ref)
		if want == "" {
			require.Error(t, err, ref)
		} else {
			require.NoError(t, err, ref)
		}
		require.Equal(t, want, id, ref)
	}
	_, err := j.Resolve(t.Context(), "01a")
	require.ErrorContains(t, err, "01aa, 01ab")
}

func TestPointsKeepNumbersThatAreNotFiniteAndOnesThatAreNotThere(t *testing.T) {
	j := fresh(t)
	job(t, j, "01")
	yes := true
	points := []api.Point{
		{Offset: 10, Time: time.Unix(5, 0).UTC(), Step: 1, GlobalStep: 1, Total: 9, Loss: 2.5, LR: api.Float(1e-5).Ptr(), StepMS: 12, Overflow: &yes, Attempt: "train.1"},
		{Offset: 20, Time: time.Unix(6, 0).UTC(), Step: 2, GlobalStep: 2, Loss: api.Float(math.Inf(1)), LossScale: api.Float(65536).Ptr(), GlobalNorm: api.Float(math.Inf(-1)).Ptr(), Attempt: "train.1"},
		{Offset: 30, Time: time.Unix(7, 0).UTC(), Step: 3, GlobalStep: 3, Loss: api.Float(math.NaN()), LR: api.Float(math.NaN()).Ptr(), Attempt: "train.1"},
	}
	require.NoError(t, j.AddBatch(t.Context(), batch("01", 40, points...)))
	got, next, err := j.Points(t.Context(), "01", "", "", 100)
	require.NoError(t, err)
	require.Empty(t, next)
	require.Equal(t, points[:2], got[:2])
	require.True(t, math.IsNaN(float64(got[2].Loss)))
	require.True(t, math.IsNaN(float64(*got[2].LR)))
	require.Nil(t, got[2].LossScale)
}

func TestPointsComeInPagesOverAllFiles(t *testing.T) {
	j := fresh(t)
	job(t, j, "01")
	for file := range 3 {
		b := batch("01", 100)
		b.Rank, b.File = file, string(rune('a'+file))
		for i := range int64(5) {
			b.Points = append(b.Points, api.Point{Offset: i * 10, GlobalStep: i + 1, Rank: file})
		}
		require.NoError(t, j.AddBatch(t.Context(), b))
	}
	var seen []int64
	after, pages := "", 0
	for {
		points, next, err := j.Points(t.Context(), "01", "train.1", after, 4)
		require.NoError(t, err)
		for _, p := range points {
			seen = append(seen, int64(p.Rank)*100+p.GlobalStep)
		}
		if pages++; next == "" {
			break
		}
		after = next
	}
	require.Equal(t, []int64{1, 2, 3, 4, 5, 101, 102, 103, 104, 105, 201, 202, 203, 204, 205}, seen)
	require.Equal(t, 4, pages)
	_, _, err := j.Points(t.Context(), "01", "", "x", 4)
	require.ErrorContains(t, err, "after=x")
}

func TestABatchReadAgainAddsNothing(t *testing.T) {
	j := fresh(t)
	job(t, j, "01")
	b := batch("01", 40, api.Point{Offset: 10, GlobalStep: 1}, api.Point{Offset: 20, GlobalStep: 2})
	b.Problems = []Problem{{Offset: 30, Error: api.Error{Code: "static-tls", Message: "m"}}}
	require.NoError(t, j.AddBatch(t.Context(), b))
	before, _ := j.LastEvent()
	require.NoError(t, j.AddBatch(t.Context(), b))
	after, _ := j.LastEvent()
	require.Equal(t, before, after)
	points, _, err := j.Points(t.Context(), "01", "", "", 100)
	require.NoError(t, err)
	require.Len(t, points, 2)
	p, err := j.Position(t.Context(), "01", "train.1", 0)
	require.NoError(t, err)
	require.Equal(t, Position{File: "1:2", Offset: 40, Parser: []byte("state")}, p)
	p, err = j.Position(t.Context(), "01", "train.1", 1)
	require.NoError(t, err)
	require.Zero(t, p)
}

func TestACheckpointIsToldOnceUntilItChanges(t *testing.T) {
	j := fresh(t)
	job(t, j, "01")
	c := api.Checkpoint{Path: "/c/1.ckpt", Format: "ckpt", Bytes: 10, Step: 2, Complete: true, Seen: time.Unix(9, 0).UTC()}
	count := func() int {
		events := pages(t, j, 0, "01")
		n := 0
		for _, e := range events {
			if e.Type == api.EventCheckpoint {
				n++
			}
		}
		return n
	}
	for range 2 {
		require.NoError(t, j.AddCheckpoint(t.Context(), "01", "train", "train.1", c))
		require.Equal(t, 1, count())
	}
	c.Bytes = 11
	require.NoError(t, j.AddCheckpoint(t.Context(), "01", "train", "train.1", c))
	require.Equal(t, 2, count())
	list, err := j.Checkpoints(t.Context(), "01", "train.1")
	require.NoError(t, err)
	require.Equal(t, []api.Checkpoint{c}, list)
}

func TestCheckpointsAreListedAsTheyWereSeenWhateverTheClockSaid(t *testing.T) {
	j := fresh(t)
	job(t, j, "01")
	add := func(path string, bytes, seen int64) {
		c := api.Checkpoint{Path: path, Format: "ckpt", Bytes: bytes, Complete: true, Seen: time.Unix(seen, 0).UTC()}
		require.NoError(t, j.AddCheckpoint(t.Context(), "01", "train", "train.1", c))
	}
	paths := func() (paths []string) {
		list, err := j.Checkpoints(t.Context(), "01", "train.1")
		require.NoError(t, err)
		for _, c := range list {
			paths = append(paths, c.Path)
		}
		return paths
	}
	add("/c/b", 10, 1000)
	add("/c/c", 10, 400) // the clock was set back
	add("/c/a", 10, 401)
	require.Equal(t, []string{"/c/b", "/c/c", "/c/a"}, paths())
	add("/c/b", 11, 402) // written again
	require.Equal(t, []string{"/c/c", "/c/a", "/c/b"}, paths())
}

func TestEventsWakeReadersAndIdsAreNeverUsedTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := open(t, path)
	last, changed := j.LastEvent()
	require.Zero(t, last)
	require.NoError(t, j.Emit(t.Context(), api.Event{Job: "01", Type: api.EventProgress, Data: json.RawMessage(`{"done":1}`)}))
	<-changed
	j.now = func() time.Time { return time.Now().Add(KeepEvents + time.Hour) }
	require.NoError(t, j.PruneEvents(t.Context()))
	require.Empty(t, pages(t, j, 0, ""))
	require.NoError(t, j.Close())

	j = open(t, path)
	last, _ = j.LastEvent()
	require.EqualValues(t, 1, last, "the newest id is known although its event is gone")
	require.NoError(t, j.Emit(t.Context(), api.Event{Type: api.EventProgress}))
	require.EqualValues(t, 2, pages(t, j, last, "")[0].ID)
}
