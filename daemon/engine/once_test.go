package engine

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
	"ftd/daemon/journal"
	"ftd/recipe"
)

func TestARequestWithAKeyIsOneJob(t *testing.T) {
	e := opened(t, t.TempDir(), &calls{call: func(ctx context.Context, _ recipe.PythonCall) (json.RawMessage, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	ask := api.Submit{Recipe: "tiny-llama", Name: "once", Vars: map[string]string{"seed": "3"}}
	// At the same moment, many times.
	var wait sync.WaitGroup
	var made atomic.Int32
	for range 16 {
		wait.Go(func() {
			_, fresh, err := e.SubmitOnce(t.Context(), ask, "key")
			require.NoError(t, err)
			if fresh {
				made.Add(1)
			}
		})
	}
	wait.Wait()
	require.EqualValues(t, 1, made.Load())
	first, fresh, err := e.SubmitOnce(t.Context(), ask, "key")
	require.NoError(t, err)
	require.False(t, fresh)
	jobs, err := e.Journal.Jobs(t.Context(), journal.JobsQuery{Limit: 10})
	require.NoError(t, err)
	require.Len(t, jobs, 1)

	other := ask
	other.Vars = map[string]string{"seed": "4"}
	_, _, err = e.SubmitOnce(t.Context(), other, "key")
	var refused *api.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, api.CodeConflict, refused.Code)
	require.Contains(t, refused.Message, first.ID)
	require.NotEmpty(t, refused.Remedy)

	// What was refused has not taken its key.
	_, _, err = e.SubmitOnce(t.Context(), api.Submit{Recipe: "no-such"}, "another")
	require.Error(t, err)
	second, fresh, err := e.SubmitOnce(t.Context(), ask, "another")
	require.NoError(t, err)
	require.True(t, fresh)
	require.NotEqual(t, first.ID, second.ID)
}
