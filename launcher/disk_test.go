package launcher

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/launcher/rundir"
)

// smallDisk mounts a filesystem of 64 KiB.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("ftd-test", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("needs the right to mount a small filesystem: %v", err)
	}
	// Detached, for whoever is just being started still holds what its parent had.
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return dir
}

// A training that fills the disk with its own log: the status is kept.
func TestStatusIsKeptOnAFullDisk(t *testing.T) {
	dir := smallDisk(t)
	spec := command(t, "sh", "-c", "head -c 1000000 /dev/zero; exit 3")
	run, err := Launch(t.Context(), dir, spec, tools.shim)
	require.NoError(t, err)
	t.Cleanup(func() { sweep(t, run) })
	st := wait(t, run)
	require.Equal(t, StateExited, st.State)
	require.Equal(t, 3, st.Exit.Code)
	require.Error(t, os.WriteFile(filepath.Join(dir, "more"), make([]byte, 1<<14), 0o600), "the disk is full")
}

// However much room is left, a start works or says that the disk is full, and
// then nothing runs.
func TestLaunchOnAFullDisk(t *testing.T) {
	dir := smallDisk(t)
	filler, err := os.Create(filepath.Join(dir, "filler"))
	require.NoError(t, err)
	defer filler.Close()
	for full := false; !full; {
		run := filepath.Join(dir, "run")
		require.NoError(t, os.Mkdir(run, 0o750))
		_, err := Launch(t.Context(), run, command(t, "sleep", "60"), tools.shim)
		if full = err != nil; full {
			var e *Error
			require.ErrorAs(t, err, &e)
			require.Contains(t, []string{rundir.ReasonDiskFull, CodeRunDirectory}, e.Code)
			require.Contains(t, e.Message, "no space left on device")
			require.NotEmpty(t, e.Remedy)
			require.NoFileExists(t, filepath.Join(run, rundir.ShimFile))
			continue
		}
		adopted, err := Open(run)
		require.NoError(t, err)
		sweep(t, adopted)
		require.NoError(t, os.RemoveAll(run))
		_, err = filler.Write(make([]byte, os.Getpagesize()))
		require.NoError(t, err)
	}
}
