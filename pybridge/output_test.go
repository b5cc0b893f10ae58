//go:build python

package pybridge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/pybridge"
)

func TestOutputReachesTheLogInOrderAndTheListener(t *testing.T) {
	inBothPlaces(t, func(t *testing.T, p place) {
		r := module(t, `
import ctypes, os, subprocess, sys
def f():
    libc = ctypes.CDLL(None)
    for i in range(3):
        print("python", i)
        libc.printf(b"C\n")
        print("error", i, file=sys.stderr)
        os.write(2, b"\xff raw\n")
    subprocess.run(["echo", "child"], check=True)
    for i in range(3):
        sys.stderr.write("\r%d%%" % i)
    print()
    print("\udcff end", end="")
`)
		want := ""
		for _, n := range []string{"0", "1", "2"} {
			want += "python " + n + "\nC\nerror " + n + "\n\xff raw\n"
		}
		want += "child\n\r0%\r1%\r2%\n\\udcff end"
		r.LogFile = filepath.Join(t.TempDir(), "log")
		require.NoError(t, os.WriteFile(r.LogFile, []byte("before\n"), 0o600))
		var lines []string
		r.Output = func(line string) { lines = append(lines, line) }
		_, err := p.call(t.Context(), r)
		require.NoError(t, err)
		log, err := os.ReadFile(r.LogFile)
		require.NoError(t, err)
		require.Equal(t, "before\n"+want, string(log))
		require.Equal(t, []string{"python 0", "C", "error 0", "\uFFFD raw", "python 1"}, lines[:5])
		require.Equal(t, []string{"child", "2%", "\\udcff end"}, lines[len(lines)-3:])
	})
}

// What C code printed last may have no end of line, and is in the log of its
// call, not of the next.
func TestOutputThatCCodeStillHolds(t *testing.T) {
	inBothPlaces(t, func(t *testing.T, p place) {
		r := module(t, "import ctypes\ndef f(): ctypes.CDLL(None).printf(b'half a line')")
		r.LogFile = filepath.Join(t.TempDir(), "log")
		_, err := p.call(t.Context(), r)
		require.NoError(t, err)
		log, err := os.ReadFile(r.LogFile)
		require.NoError(t, err)
		require.Equal(t, "half a line", string(log))
	})
}

func TestOutputStreamsWhileTheCallRuns(t *testing.T) {
	inBothPlaces(t, func(t *testing.T, p place) {
		dir := t.TempDir()
		r := module(t, `
import os, time
def f(flag):
    print("go on")
    while not os.path.exists(flag):
        time.sleep(0.01)
`)
		flag := filepath.Join(dir, "flag")
		r.Args, _ = json.Marshal([]string{flag})
		r.Output = func(line string) {
			require.NoError(t, os.WriteFile(flag, []byte(line), 0o600))
		}
		_, err := p.call(t.Context(), r)
		require.NoError(t, err)
	})
}

func TestMuchOutputIsWhole(t *testing.T) {
	inBothPlaces(t, func(t *testing.T, p place) {
		r := module(t, "import os\ndef f():\n    for _ in range(100): os.write(1, b'x' * 1048575 + b'\\n')")
		r.LogFile = filepath.Join(t.TempDir(), "log")
		var bytes int
		r.Output = func(line string) { bytes += len(line) }
		_, err := p.call(t.Context(), r)
		require.NoError(t, err)
		info, err := os.Stat(r.LogFile)
		require.NoError(t, err)
		require.EqualValues(t, 100<<20, info.Size())
		require.Equal(t, 100*1048575, bytes)
	})
}

func TestOutputOfOneCallIsNotInAnothersLog(t *testing.T) {
	needWorkers(t)
	r := module(t, `
import ctypes, os
def f(name):
    libc = ctypes.CDLL(None)
    for n in range(2000):
        print(name, n)
        libc.printf(b"%s %d\n", name.encode(), n)
        os.write(2, b"%s %d\n" % (name.encode(), n))
`)
	var calls sync.WaitGroup
	names := []string{"here", "there", "yonder"}
	dir := t.TempDir()
	for _, name := range names {
		call := python.Worker
		if name == "here" {
			call = python.Call
		}
		r := r
		r.LogFile = filepath.Join(dir, name)
		r.Args, _ = json.Marshal([]string{name})
		calls.Go(func() {
			if _, err := call(t.Context(), r); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	for _, name := range names {
		want := ""
		for n := range 2000 {
			want += strings.Repeat(name+" "+strconv.Itoa(n)+"\n", 3)
		}
		log, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.True(t, want == string(log), "%s: %d bytes, not %d", name, len(log), len(want))
	}
}

func TestProgress(t *testing.T) {
	inBothPlaces(t, func(t *testing.T, p place) {
		r := module(t, `
import ftd
def f():
    for i in range(1, 100001):
        ftd.progress(i, 100000, "rows")
    ftd.progress(7, note="unknown total")
`)
		type step struct {
			done, total int64
			note        string
		}
		var seen []step
		r.Progress = func(done, total int64, note string) { seen = append(seen, step{done, total, note}) }
		_, err := p.call(t.Context(), r)
		require.NoError(t, err)
		require.Contains(t, seen, step{100000, 100000, "rows"})
		require.Equal(t, step{7, 0, "unknown total"}, seen[len(seen)-1])
		require.Less(t, len(seen), 1000, "what comes too fast is dropped")
	})
}

// What is no message, on whatever descriptor it comes, costs nobody the answer.
func TestProgressThatIsNone(t *testing.T) {
	inBothPlaces(t, func(t *testing.T, p place) {
		r := module(t, `
import ftd, os
def f(report):
    for value in ("many", None, float("nan")):
        try:
            ftd.progress(value)
        except (TypeError, ValueError):
            continue
        raise AssertionError(value)
    ftd.progress(2**80, 2**80, "\U0001F409" * 4000)
    if report:
        os.write(report, b"no message\n[]\n")
    return "x" * 1000000
`)
		report := 0
		if p.isolated {
			report = 3
		}
		r.Args, _ = json.Marshal([]int{report})
		var done int64
		r.Progress = func(d, _ int64, _ string) { done = d }
		text, err := p.call(t.Context(), r)
		require.NoError(t, err)
		require.Len(t, text, 1000002)
		require.EqualValues(t, math.MaxInt64, done)
	})
}

func playStray(in *pybridge.Interpreter, r pybridge.Request, path string) error {
	r.LogFile = path + ".step"
	if _, err := in.Call(context.Background(), r); err != nil {
		return err
	}
	if err := os.WriteFile(path+".go", nil, 0o600); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, err := os.Stat(path + ".done"); err != nil; _, err = os.Stat(path + ".done") {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	fmt.Fprintln(pybridge.DaemonStderr(), "the daemon's own log")
	pybridge.OwnStreams()
	fmt.Fprintln(os.Stderr, "the next daemon's")
	return nil
}

// A thread that a step has left behind goes on printing: not into the daemon's
// log.
func TestWhatThreadsPrintAfterTheirCallHasAPlaceOfItsOwn(t *testing.T) {
	stray := filepath.Join(t.TempDir(), "python.log")
	cmd := inRole(t, "stray", stray)
	said, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", said)
	require.Equal(t, "the daemon's own log\nthe next daemon's\n", string(said))
	text, err := os.ReadFile(stray)
	require.NoError(t, err)
	require.Equal(t, "late\nraw\n", string(text))
	step, err := os.ReadFile(stray + ".step")
	require.NoError(t, err)
	require.Empty(t, step)
}
