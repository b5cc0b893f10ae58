//go:build python

package pybridge_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/pybridge"
)

func TestCallsQueueInOrder(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	hold := module(t, "ORDER = []\ndef f(fifo=None, n=0):\n    ORDER.append(n)\n    if fifo: open(fifo).read()\n    return ORDER")
	hold.Args, _ = json.Marshal(map[string]any{"fifo": fifo})
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = python.Call(context.Background(), hold) })
	end, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	require.NoError(t, err)

	for n := 1; n <= 3; n++ {
		r := hold
		r.Args, _ = json.Marshal(map[string]any{"n": n})
		wg.Go(func() { _, _ = python.Call(context.Background(), r) })
		require.Eventually(t, func() bool { return len(python.Info().Queue) == n }, 10*time.Second, time.Millisecond)
	}
	info := python.Info()
	require.Equal(t, pybridge.StateRunning, info.State)
	require.Equal(t, hold.Module+".f", info.Current.What)
	require.False(t, info.BusySince.IsZero())

	// A call that is not wanted any more leaves the queue, and a worker does
	// not stand in it.
	ctx, cancel := context.WithCancel(t.Context())
	r := hold
	wg.Go(func() {
		_, err := python.Call(ctx, r)
		require.ErrorIs(t, err, context.Canceled)
	})
	require.Eventually(t, func() bool { return len(python.Info().Queue) == 4 }, 10*time.Second, time.Millisecond)
	cancel()
	require.Eventually(t, func() bool { return len(python.Info().Queue) == 3 }, 10*time.Second, time.Millisecond)
	if hasWorkers() {
		_, err = python.Worker(t.Context(), module(t, "def f(): return 1"))
		require.NoError(t, err)
	}

	end.Close()
	wg.Wait()
	last := hold
	last.Args = json.RawMessage(`{"n": 4}`)
	require.Equal(t, []any{0.0, 1.0, 2.0, 3.0, 4.0}, result[any](t, last))
}

func TestQuestionsThatComeAtOnceDoNotWaitForEachOther(t *testing.T) {
	needWorkers(t)
	fifo := filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	ask := module(t, "import os\ndef f(fifo):\n    if fifo: open(fifo).read()\n    return os.getpid()")
	ask.Args, _ = json.Marshal([]string{fifo})
	const questions = 4
	var wg sync.WaitGroup
	var mu sync.Mutex
	pids := map[string]bool{}
	for range questions {
		wg.Go(func() {
			pid, err := python.Query(t.Context(), ask)
			mu.Lock()
			defer mu.Unlock()
			require.NoError(t, err)
			pids[string(pid)] = true
		})
	}
	// One is asked here, the others elsewhere; none stands in the queue.
	require.Eventually(t, func() bool {
		info := python.Info()
		return info.State == pybridge.StateRunning && info.Workers == questions-1
	}, 30*time.Second, time.Millisecond)
	require.Empty(t, python.Info().Queue)

	// Each reads until nobody holds the other end, and may begin late.
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	require.Eventually(t, func() bool {
		if end, err := os.OpenFile(fifo, os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil {
			end.Close()
		}
		select {
		case <-done:
			return true
		default:
			return false
		}
	}, 30*time.Second, time.Millisecond)
	require.Len(t, pids, questions)
	require.True(t, pids[strconv.Itoa(os.Getpid())])

	ask.Args = json.RawMessage(`[""]`)
	here, err := python.Query(t.Context(), ask)
	require.NoError(t, err)
	require.Equal(t, strconv.Itoa(os.Getpid()), string(here), "where nothing runs it is asked here")
}
