package engine

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
	"ftd/recipe"
)

// twins are two jobs of the same recipe: one makes the result of its only step
// until the channel is closed, and the other waits for it.
type twins struct {
	*Engine
	python         *calls
	worker, waiter string
	enough         chan struct{}
}

func newTwins(t *testing.T) twins {
	t.Helper()
	tw := twins{python: &calls{}, enough: make(chan struct{})}
	tw.python.call = func(ctx context.Context, c recipe.PythonCall) (json.RawMessage, error) {
		var args struct {
			Dir string `json:"output_dir"`
		}
		select {
		case <-tw.enough:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if err := json.Unmarshal(c.Args, &args); err != nil {
			return nil, err
		}
		file := filepath.Join(args.Dir, "tokenizer.model")
		result, _ := json.Marshal(map[string]any{"file": file, "vocab_size": 300})
		return result, os.WriteFile(file, []byte("pieces"), 0o600)
	}
	tw.Engine = opened(t, t.TempDir(), tw.python)
	var ids []string
	for range 2 {
		job, err := tw.Submit(t.Context(), api.Submit{Text: `
apiVersion: ftd/v1
name: same
steps:
  - {id: s, uses: tokenizer, with: {vocab_size: 300}}
`})
		require.NoError(t, err)
		ids = append(ids, job.ID)
	}
	for {
		_, changed := tw.Journal.LastEvent()
		for i, id := range ids {
			for _, event := range pages(t, tw.Engine, id) {
				if event.Type == api.EventOutput && strings.Contains(string(event.Data), "is being made by another job") {
					tw.worker, tw.waiter = ids[1-i], id
					return tw
				}
			}
		}
		<-changed
	}
}

func TestTwoJobsMakeAResultOnce(t *testing.T) {
	tw := newTwins(t)
	close(tw.enough)
	require.Equal(t, api.StateSucceeded, ended(t, tw.Engine, tw.worker).Steps[0].State)
	second := ended(t, tw.Engine, tw.waiter)
	require.Equal(t, api.StateSucceeded, second.State)
	require.Equal(t, api.StateSkipped, second.Steps[0].State)
	require.Len(t, tw.python.made, 1)
}

func TestAJobThatWaitsForAnotherCanBeStopped(t *testing.T) {
	tw := newTwins(t)
	_, err := tw.Stop(t.Context(), tw.waiter)
	require.NoError(t, err)
	require.Equal(t, api.StateStopped, ended(t, tw.Engine, tw.waiter).State)
	close(tw.enough)
	require.Equal(t, api.StateSucceeded, ended(t, tw.Engine, tw.worker).State)
}

// Who does not get it made leaves it to the one that waits.
func TestAResultThatWasNotMadeIsTheNextOnes(t *testing.T) {
	tw := newTwins(t)
	_, err := tw.Stop(t.Context(), tw.worker)
	require.NoError(t, err)
	require.Equal(t, api.StateStopped, ended(t, tw.Engine, tw.worker).State)
	close(tw.enough)
	require.Equal(t, api.StateSucceeded, ended(t, tw.Engine, tw.waiter).Steps[0].State)
}
