//go:build python

package daemon

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// naps submits a job whose only step stays in C code, with the GIL, until
// somebody opens the pipe gate for writing: no interrupt reaches it.
func (h *house) naps(gate string) *api.Job {
	h.t.Helper()
	module := filepath.Join(h.dir, "naps.py")
	require.NoError(h.t, os.WriteFile(module, []byte(`import ctypes
libc = ctypes.PyDLL(None)

def nap(gate):
    open(gate + ".begun", "w").close()
    fd = libc.open(gate.encode(), 0)  # a pipe that nobody writes to, with the GIL held
    libc.close(fd)
    return "awake"
`), 0o600))
	job, err := h.Submit(h.t.Context(), api.Submit{Text: fmt.Sprintf(`apiVersion: ftd/v1
name: nap
steps:
  - id: nap
    uses: python
    with: {module: naps, function: nap, args: {gate: %q}, path: [%q]}
`, gate, h.dir)})
	require.NoError(h.t, err)
	require.Eventually(h.t, func() bool { _, err := os.Stat(gate + ".begun"); return err == nil }, waitLong, waitTick)
	return job
}

// While code of a step does not return to the interpreter, nothing waits for
// it: not the watchdog, not a restart that was asked for, not the shutdown. The
// step is begun again by the next daemon, and not taken for one that took the
// daemon down.
func TestAStepThatDoesNotReturnHoldsNothingUp(t *testing.T) {
	t.Parallel()
	h, m := pythonHouse(t), newManager(t)
	h.again(m)
	m.hears("READY=1")
	gate := filepath.Join(h.dir, "gate")
	require.NoError(t, syscall.Mkfifo(gate, 0o600))
	job := h.naps(gate)
	m.hears("STATUS=jobs: 1 running")
	for range 3 {
		m.hears("WATCHDOG=1")
	}
	before := h.version()
	require.NoError(t, h.Restart(t.Context()))
	require.Equal(t, before.Started, h.version().Started, "it waits for the step")
	require.Contains(t, h.said(), "a restart waits for the step at work")

	h.leaves()
	m.hears("STOPPING=1")
	require.NoError(t, os.Remove(gate+".begun"))
	h.start()
	require.Eventually(t, func() bool { _, err := os.Stat(gate + ".begun"); return err == nil }, waitLong, waitTick)
	require.NotContains(t, h.said(), "took the daemon down")

	// The restart comes as soon as the step is over.
	before = h.version()
	require.NoError(t, h.Restart(t.Context()))
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	require.Equal(t, api.StateSucceeded, h.wait(job.ID).State)
	h.restarted(before)
}

// A job can be stopped although its step does not end; what goes on is said.
func TestAStoppedStepThatGoesOnIsReported(t *testing.T) {
	t.Parallel()
	h := pythonHouse(t)
	gate := filepath.Join(h.dir, "gate")
	require.NoError(t, syscall.Mkfifo(gate, 0o600))
	job := h.naps(gate)
	_, err := h.Stop(t.Context(), job.ID)
	require.NoError(t, err)
	require.Equal(t, api.StateStopped, h.wait(job.ID).State)
	require.Contains(t, h.said(), "naps.nap was cancelled but has not returned")
	require.Equal(t, "stuck", h.version().Calls.State)
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	require.Eventually(t, func() bool { return h.version().Calls.State == "idle" }, waitLong, waitTick)
}
