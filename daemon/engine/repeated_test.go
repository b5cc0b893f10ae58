package engine

import (
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"ftd/api"
	"ftd/launcher"
	"ftd/logparse"
	"ftd/recipe"
)

// Three attempts: up to step 5, from step 4 to 7, and anew.
func TestStepsThatAreDoneAgainAreMarked(t *testing.T) {
	e := opened(t, t.TempDir(), &calls{})
	ctx := t.Context()
	require.NoError(t, e.Journal.CreateJob(ctx, api.Job{ID: "01", Name: "n", Recipe: "r", State: api.StateRunning, Dir: t.TempDir(), Created: time.Now(),
		Steps: []api.Step{{ID: "train", Uses: "train", State: api.StateRunning}}}, api.Submit{Recipe: "r"}))
	var want []bool
	for number, steps := range [][]int64{{1, 2, 3, 4, 5}, {4, 5, 6, 7}, {1, 7, 8}} {
		h := &host{Engine: e, job: "01", log: zerolog.Nop()}
		a, err := h.BeginAttempt(ctx, "train")
		require.NoError(t, err)
		require.Equal(t, number+1, a.Number)
		require.NoError(t, h.AttemptStarted(ctx, a.ID, launcher.Shim{PID: 1, Child: 2}))
		o := h.Observer(a.ID)
		for i, step := range steps {
			if i == 2 { // the daemon dies and comes back
				e.live.forget("01")
				again, err := h.BeginAttempt(ctx, "train")
				require.NoError(t, err)
				require.True(t, again.Resumed)
				o = h.Observer(a.ID)
			}
			require.NoError(t, o.Batch(ctx, launcher.Batch{File: "1:1", Offset: int64(100 * (i + 1)), Read: time.Now(), Records: []logparse.Record{
				{Kind: logparse.KindStep, Offset: int64(100 * i), Step: logparse.Step{Epoch: 1, Step: step, Total: 10, Loss: 1}}}}))
			want = append(want, number == 1 && step <= 5 || number == 2 && step <= 7)
		}
		require.NoError(t, h.EndAttempt(ctx, a.ID, recipe.StepFailed, nil, nil))
	}
	points, _, err := e.Journal.Points(ctx, "01", "", "", 100)
	require.NoError(t, err)
	var got []bool
	for _, p := range points {
		got = append(got, p.Repeated)
	}
	require.Equal(t, want, got)
}
