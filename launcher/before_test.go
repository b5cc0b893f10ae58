package launcher

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Whatever their times say: what was there is not the run's, what is new or
// written again is.
func TestCheckpointsThatTheRunHasMade(t *testing.T) {
	dir, work := t.TempDir(), t.TempDir()
	output := filepath.Join(work, "output")
	require.NoError(t, os.Mkdir(output, 0o700))
	write := func(name, text string, ago time.Duration) string {
		path := filepath.Join(output, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		at := time.Now().Add(-ago)
		require.NoError(t, os.Chtimes(path, at, at))
		return path
	}
	old := write("a-1_1.ckpt", "old", -time.Hour)
	again := write("a-1_2.ckpt", "old", time.Hour)
	spec := Spec{Dir: work, Checkpoints: []string{"output", "nowhere"}}
	require.NoError(t, noteCheckpoints(t.Context(), dir, spec))

	late := write("a-1_3.ckpt", "new", 24*time.Hour)
	write("a-1_2.ckpt", "new", 24*time.Hour)
	run := &Run{dir: dir, spec: spec}
	made := run.Made()
	require.False(t, made(old))
	require.True(t, made(again))
	require.True(t, made(late))
	require.False(t, made(filepath.Join(output, "gone.ckpt")))

	// Directories that cannot be read are no reason not to train.
	require.NoError(t, noteCheckpoints(t.Context(), t.TempDir(), Spec{Dir: work, Checkpoints: []string{"output/a-1_1.ckpt"}}))

	// A run of an older version has no list: its times must do.
	require.NoError(t, os.Remove(filepath.Join(dir, beforeFile)))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "shim.json"), []byte(`{"pid":1,"boot_id":"x","started":"`+time.Now().UTC().Format(time.RFC3339)+`"}`), 0o600))
	made = run.Made()
	require.True(t, made(old))
	require.False(t, made(late))
}
