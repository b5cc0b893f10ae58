package journal

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

func TestAStepThatCrashedIsKnownByItsKeyInOtherJobs(t *testing.T) {
	j := fresh(t)
	ctx := t.Context()
	for _, id := range []string{"01", "02", "03"} {
		job(t, j, id)
		require.NoError(t, j.SetStep(ctx, id, api.Step{ID: "data", State: api.StateRunning, Key: "key-of-" + id[:1]}, time.Now()))
	}
	require.NoError(t, j.BeginCall(ctx, "01", "data", "boot-1"))
	require.NoError(t, j.BeginCall(ctx, "02", "train", "boot-0")) // the machine went down during it
	require.NoError(t, j.BeginCall(ctx, "03", "train", "boot-1"))
	require.NoError(t, j.EndCall(ctx, "03", "train"))
	found, err := j.FindCrashes(ctx, "boot-1")
	require.NoError(t, err)
	require.Equal(t, []Crash{{"01", "data"}}, found)
	found, err = j.FindCrashes(ctx, "boot-1")
	require.NoError(t, err)
	require.Empty(t, found)
	for _, c := range []struct {
		job, step string
		want      bool
	}{{"01", "data", true}, {"02", "data", true}, {"01", "train", false}, {"02", "train", false}, {"03", "train", false}} {
		got, err := j.Crashed(ctx, c.job, c.step)
		require.NoError(t, err)
		require.Equal(t, c.want, got, "%s/%s", c.job, c.step)
	}
}

func TestTheNewestTrainingOfEachJobIsFound(t *testing.T) {
	j := fresh(t)
	ctx := t.Context()
	for _, id := range []string{"01", "02", "03"} {
		job(t, j, id)
		require.NoError(t, j.AddBatch(ctx, batch(id, 10)))
	}
	_, err := j.BeginAttempt(ctx, "02", "train", "boot-1", func(a string) string { return a })
	require.NoError(t, err)
	require.NoError(t, j.SetShim(ctx, "02", "train.2", map[string]any{"child": 5}, []byte(`{"new":1}`)))
	// The clock was set back meanwhile.
	_, err = j.writer.ExecContext(ctx, `UPDATE attempts SET started = started + 90000000000000 WHERE id = 'train.1'`)
	require.NoError(t, err)
	found, err := j.Trainings(ctx, "02", "03")
	require.NoError(t, err)
	require.Len(t, found, 2)
	require.Equal(t, "train.2", found["02"].ID)
	require.JSONEq(t, `{"new":1}`, string(found["02"].Tracker))
	require.Equal(t, "train.1", found["03"].ID)
}

func TestResultsAreFoundReplacedAndDropped(t *testing.T) {
	j := fresh(t)
	ctx := context.Background()
	_, ok, err := j.Result(ctx, "k")
	require.NoError(t, err)
	require.False(t, ok)
	for _, dir := range []string{"/a", "/b"} {
		require.NoError(t, j.PutResult(ctx, Result{Key: "k", Dir: dir, Outputs: map[string]string{"file": dir + "/f"}}))
		r, ok, err := j.Result(ctx, "k")
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, dir+"/f", r.Outputs["file"])
	}
	require.NoError(t, j.DropResult(ctx, "k"))
	_, ok, err = j.Result(ctx, "k")
	require.NoError(t, err)
	require.False(t, ok)
}

func TestRemovingAJobLeavesNoRowBehind(t *testing.T) {
	j := fresh(t)
	job(t, j, "01")
	b := batch("01", 40, api.Point{Offset: 10})
	b.Problems = []Problem{{Offset: 30, Error: api.Error{Code: "x"}}}
	require.NoError(t, j.AddBatch(t.Context(), b))
	require.NoError(t, j.AddCheckpoint(t.Context(), "01", "train", "train.1", api.Checkpoint{Path: "/c"}))
	require.NoError(t, j.RemoveJob(t.Context(), "01"))
	for _, table := range []string{"jobs", "steps", "attempts", "files", "chunks", "problems", "checkpoints"} {
		var n int
		require.NoError(t, j.reader.QueryRow(`SELECT count(*) FROM `+table).Scan(&n))
		require.Zero(t, n, table)
	}
	require.Error(t, j.RemoveJob(t.Context(), "01"))
	require.Empty(t, j.recents.of)
}
