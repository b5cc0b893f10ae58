package engine

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"ftd/api"
	"ftd/recipe"
)

// At whatever moment a job is cut short, it ends as it was asked to, and a
// daemon that restarts leaves it to the next one.
func TestAJobThatIsCutShortHasNotFailed(t *testing.T) {
	wait := &calls{call: func(ctx context.Context, _ recipe.PythonCall) (json.RawMessage, error) {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}}
	dir := t.TempDir()
	e, closeAll, err := openWith(dir, wait, zerolog.Nop(), 4)
	require.NoError(t, err)
	for range 40 {
		job, err := e.Submit(t.Context(), api.Submit{Recipe: "tiny-llama"})
		require.NoError(t, err)
		_, err = e.Stop(t.Context(), job.ID)
		require.NoError(t, err)
		now := ended(t, e, job.ID)
		require.Equal(t, api.StateStopped, now.State, "%+v", now.Error)
	}
	var ids []string
	for range 30 {
		job, err := e.Submit(t.Context(), api.Submit{Recipe: "tiny-llama"})
		require.NoError(t, err)
		ids = append(ids, job.ID)
		require.NoError(t, closeAll())
		e, closeAll, err = openWith(dir, wait, zerolog.Nop(), 4)
		require.NoError(t, err)
	}
	for _, id := range ids {
		now, err := e.Job(t.Context(), id)
		require.NoError(t, err)
		require.False(t, now.State.Ended(), "%s: %+v", now.State, now.Error)
	}
	require.NoError(t, closeAll())
}
