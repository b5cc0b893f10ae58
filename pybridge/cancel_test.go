//go:build python

package pybridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/pybridge"
)

// cancelWhen cancels a context as soon as the call has printed its first line.
func cancelWhen(t *testing.T, r *pybridge.Request) (ctx context.Context, cause error) {
	cause = errors.New("not wanted any more")
	ctx, cancel := context.WithCancelCause(t.Context())
	r.Output = func(string) { cancel(cause) }
	return ctx, cause
}

func TestCancelledLoopStops(t *testing.T) {
	for name, source := range map[string]string{
		"plain":      "def f():\n    print('go')\n    while True: pass",
		"stubborn":   "def f():\n    print('go')\n    n = 0\n    while n < 3:\n        try:\n            while True: pass\n        except BaseException: n += 1\n    while True: pass",
		"in a class": "class C:\n    def __del__(self): pass\ndef f():\n    print('go')\n    while True: C()",
	} {
		t.Run(name, func(t *testing.T) {
			inBothPlaces(t, func(t *testing.T, p place) {
				r := module(t, source)
				ctx, cause := cancelWhen(t, &r)
				_, err := p.call(ctx, r)
				require.Equal(t, cause, err)
			})
		})
	}
	require.Equal(t, pybridge.StateIdle, python.Info().State)
	require.Equal(t, 1.0, result[float64](t, module(t, "def f(): return 1")), "the next call")
}

func TestCancelNeverHitsTheNextCall(t *testing.T) {
	// Cancelled at every moment of a short call; the one after it must not
	// suffer.
	quick := module(t, "def f():\n    for _ in range(100): pass\n    return 1")
	for range 300 {
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		_, err := python.Call(ctx, quick)
		if err != nil {
			require.ErrorIs(t, err, context.Canceled)
		}
		require.Equal(t, 1.0, result[float64](t, quick))
	}
}

func TestCodeThatDoesNotReturnIsStuck(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	path, err := foreignLibrary()
	require.NoError(t, err)
	// A C function that keeps the GIL, which ctypes.PyDLL does not release.
	r := module(t, "import ctypes, os\ndef f(path, fifo):\n    fd = os.open(fifo, os.O_RDWR)\n    print('go')\n    ctypes.PyDLL(path).read_byte(fd)\n    os.close(fd)\n    print('unheard')")
	r.Args, _ = json.Marshal([]string{path, fifo})
	ctx, cause := cancelWhen(t, &r)
	cancel := r.Output
	var heard []string
	r.Output = func(line string) {
		heard = append(heard, line)
		cancel(line)
	}
	_, err = python.Call(ctx, r)
	var stuck *pybridge.StuckError
	require.ErrorAs(t, err, &stuck)
	require.ErrorIs(t, err, cause)
	require.ErrorContains(t, err, "isolation: worker")

	// The daemon goes on without it.
	info := python.Info()
	require.Equal(t, pybridge.StateStuck, info.State)
	require.Equal(t, r.Module+".f", info.Current.What)
	if hasWorkers() {
		_, err = python.Worker(t.Context(), module(t, "def f(): return 1"))
		require.NoError(t, err)

		// In a worker the same ends at once.
		ctx, cause = cancelWhen(t, &r)
		_, err = python.Worker(ctx, r)
		require.Equal(t, cause, err)
	}

	end, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer end.Close()
	_, err = end.Write([]byte("x"))
	require.NoError(t, err)
	require.Equal(t, 1.0, result[float64](t, module(t, "def f(): return 1")), "the next call")
	require.Equal(t, []string{"go"}, heard, "nothing more after Call has returned")
}
