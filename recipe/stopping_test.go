package recipe

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/checkpoint"
)

// A training of mindformers ends after the step in which it sees the request,
// and its CheckpointMonitor saves where it was.
func TestMindformersEndsOnRequest(t *testing.T) {
	mindspore(t)
	t.Parallel()
	h := newHost(t)
	r, err := Load("tiny-llama")
	require.NoError(t, err)
	for i := range r.Steps {
		if r.Steps[i].ID == "train" {
			r.Steps[i].With["stop"] = map[string]any{"graceful": "5m"}
		}
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	done := make(chan error, 1)
	j := job(h, r, map[string]string{"epochs": "1000", "save_every": "100000"})
	go func() { done <- Run(ctx, j, h, h.settings()) }()
	eventually(t, "the third step", func() bool {
		select {
		case err := <-done:
			require.NoError(t, err)
		default:
		}
		return len(h.trainedSteps()) >= 3
	})
	cancel(ErrStop)
	require.ErrorIs(t, <-done, ErrStop)

	a := h.attempt("train")
	require.Equal(t, StepStopped, a.state)
	require.Zero(t, a.exit.Code)
	require.NotContains(t, h.output, "stopping the training: SIGINT")
	sets, err := checkpoint.Sets(t.Context(), filepath.Join(a.Dir, "output"), 0, checkpoint.Options{})
	require.NoError(t, err)
	require.Len(t, sets, 1)
	require.True(t, sets[0].Complete, sets[0].Reason)
	steps := h.trainedSteps()
	require.Equal(t, int64(len(steps)), *sets[0].Step, "the step in which it ended is the one that was saved")
}
