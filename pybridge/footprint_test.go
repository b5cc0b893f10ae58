//go:build python

package pybridge_test

import (
	"os"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/pybridge"
)

// footprint is what this process holds of what may not pile up.
type footprint struct {
	memory      int // resident, in bytes
	threads     int // of the system
	descriptors int
	goroutines  int
	python      int // threads that Python started
}

// measured takes the footprint of the process at rest.
func measured(t *testing.T, settle pybridge.Request) footprint {
	t.Helper()
	require.Eventually(t, func() bool {
		info := python.Info()
		return info.State == pybridge.StateIdle && len(info.Queue) == 0 && info.Workers == 0
	}, time.Minute, 10*time.Millisecond)
	f := footprint{python: result[int](t, settle)}
	debug.FreeOSMemory()
	var err error
	f.memory, err = resident()
	require.NoError(t, err)
	f.threads = entries(t, "/proc/self/task")
	f.descriptors = entries(t, "/proc/self/fd")
	f.goroutines = runtime.NumGoroutine()
	return f
}

func entries(t *testing.T, dir string) int {
	t.Helper()
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	return len(list)
}

// A warmed-up process still moves a little: Go starts a thread when all others
// are in C, the allocators keep what the last calls left in pieces.
const (
	memoryWave = 8 << 20
	threadWave = 8
)

// requireNoGrowth asserts that the process came back to what it held before.
func requireNoGrowth(t *testing.T, before footprint, settle pybridge.Request) {
	t.Helper()
	after := measured(t, settle)
	// A goroutine that interrupts a cancelled call looks for its end in turns.
	// Not by require.Eventually, which would be one goroutine more.
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end) && after.goroutines > before.goroutines; <-tick.C {
		after = measured(t, settle)
	}
	t.Logf("before %+v, after %+v", before, after)
	require.LessOrEqual(t, after.goroutines, before.goroutines, "goroutines")
	require.LessOrEqual(t, after.descriptors, before.descriptors, "descriptors")
	require.LessOrEqual(t, after.python, before.python, "threads of Python")
	require.LessOrEqual(t, after.threads, before.threads+threadWave, "threads")
	if growsAnyway == "" {
		require.LessOrEqual(t, after.memory, before.memory+memoryWave, "memory")
	}
}
