//go:build python

package daemon

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// open lists what the daemon has open whose path begins so.
func (h *house) open(prefix string) (paths []string) {
	h.t.Helper()
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", h.daemon.Process.Pid))
	require.NoError(h.t, err)
	for _, link := range links {
		if path, err := os.Readlink(link); err == nil && len(path) >= len(prefix) && path[:len(prefix)] == prefix {
			paths = append(paths, path)
		}
	}
	return paths
}

// A card that a step has left open is closed by a restart in place, since
// nobody else could use it: at once when the daemon is at rest, and without
// harm to a training.
func TestACardThatIsLeftOpenIsClosedByARestart(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can make something that looks like a card")
	}
	card, err := os.CreateTemp("/dev", "davinci-of-a-test-")
	require.NoError(t, err)
	require.NoError(t, card.Close())
	t.Cleanup(func() { os.Remove(card.Name()) })
	t.Parallel()
	h := pythonHouse(t, "--slots", "2")
	job := h.train("--steps", "100000", "--step-ms", "10")
	h.until(job.ID, hasPoints)
	before := h.version()
	require.NoError(t, os.WriteFile(filepath.Join(h.dir, "holds.py"), []byte("HELD = []\n\ndef hold(path):\n    HELD.append(open(path))\n"), 0o600))
	holds, err := h.Submit(t.Context(), api.Submit{Text: fmt.Sprintf(`apiVersion: ftd/v1
name: hold
steps:
  - id: hold
    uses: python
    with: {module: holds, function: hold, args: {path: %q}, path: [%q]}
`, card.Name(), h.dir)})
	require.NoError(t, err)
	ended := h.wait(holds.ID)
	require.Equal(t, api.StateFailed, ended.State)
	require.Contains(t, ended.Error.Message, card.Name())
	h.restarted(before)
	require.Contains(t, h.said(), "a library keeps a card open")
	require.Empty(t, h.open(card.Name()))
	require.Equal(t, api.StateRunning, h.job(job.ID).State)

	// Python is loaded anew, and keeps nothing.
	r, err := h.Call(t.Context(), api.CallRequest{Module: "builtins", Function: "eval", Args: []any{"'holds' in __import__('sys').modules"}})
	require.NoError(t, err)
	require.Equal(t, false, r.Result)
}
