//go:build python

package daemon

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// What a step leaves in memory is given back once the daemon is at rest, while
// a training goes on and is followed.
func TestMemoryIsGivenBack(t *testing.T) {
	t.Parallel()
	h := pythonHouse(t, "--restart-above", "200")
	job := h.train("--steps", "600", "--step-ms", "10")
	told := make(chan []int64, 1)
	go func() { told <- h.follow(job.ID) }()
	h.until(job.ID, hasPoints)
	before := h.version()

	_, err := h.Call(t.Context(), api.CallRequest{Module: "builtins", Function: "exec",
		Args: []any{"import sys; sys.hoard = bytearray(b'x') * (300 << 20)"}})
	require.NoError(t, err)
	require.Greater(t, h.resident(), int64(300<<20))
	h.restarted(before)
	require.Less(t, h.resident(), int64(100<<20))
	require.Contains(t, h.said(), "more than restart_above (200)")

	// The next interpreter is a fresh one, and works.
	r, err := h.Call(t.Context(), api.CallRequest{Module: "builtins", Function: "eval", Args: []any{"hasattr(__import__('sys'), 'hoard')"}})
	require.NoError(t, err)
	require.Equal(t, false, r.Result)

	require.Equal(t, api.StateSucceeded, h.wait(job.ID).State)
	steps := <-told
	require.Len(t, steps, 600)
	for i, step := range steps {
		require.EqualValues(t, i+1, step)
	}
}

// resident is the memory of the daemon's process.
func (h *house) resident() int64 {
	h.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", h.daemon.Process.Pid))
	require.NoError(h.t, err)
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	require.NoError(h.t, err)
	return pages * int64(os.Getpagesize())
}
