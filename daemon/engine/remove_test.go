package engine

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/api"
	"ftd/daemon/statedir"
)

// A client that saw the end of a job may ask for its removal before the engine
// has let go of it.
func TestAJobThatHasJustEndedCanBeRemoved(t *testing.T) {
	e := opened(t, t.TempDir(), &calls{})
	job, err := e.Submit(t.Context(), api.Submit{Text: "apiVersion: ftd/v1\nname: short\nsteps:\n  - {id: a, uses: shell, with: {run: exit 3}}\n"})
	require.NoError(t, err)
	ended(t, e, job.ID)
	require.NoError(t, e.untilPutAway(t.Context(), job.ID))
	_, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	e.mu.Lock()
	e.running[job.ID] = cancel // as it was a moment ago
	e.mu.Unlock()
	ctx, end := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer end()
	require.ErrorIs(t, e.Remove(ctx, job.ID, false), context.DeadlineExceeded, "it waits")
	e.mu.Lock()
	delete(e.running, job.ID)
	e.mu.Unlock()
	require.NoError(t, e.Remove(t.Context(), job.ID, false))
	require.NoDirExists(t, job.Dir)
}

func TestLeftoversGoWhateverTheStateDirectoryIsCalled(t *testing.T) {
	parent := t.TempDir()
	dir, like := filepath.Join(parent, "state [a]"), filepath.Join(parent, "state a")
	for _, d := range []string{dir, like} {
		require.NoError(t, os.MkdirAll(filepath.Join(d, "runs", removed+"01a", "deep"), 0o700))
		require.NoError(t, os.MkdirAll(filepath.Join(statedir.ResultsIn(d), unfinished+"x"), 0o700))
	}
	e := opened(t, dir, &calls{})
	require.NoDirExists(t, filepath.Join(dir, "runs", removed+"01a"))
	require.NoDirExists(t, filepath.Join(e.State.Results(), unfinished+"x"))
	require.DirExists(t, filepath.Join(like, "runs", removed+"01a"), "that of another daemon")
}
