//go:build python

package pybridge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/pybridge"
)

// The two places where a call can run. What is promised of one is promised of
// the other, so tests of behaviour run in both.
type place struct {
	name   string
	call   func(context.Context, pybridge.Request) (json.RawMessage, error)
	script func(context.Context, pybridge.Script) (int, error)
}

func places() []place {
	return []place{
		{"here", python.Call, python.RunScript},
		{"worker", python.Worker, python.WorkerScript},
	}
}

func inBothPlaces(t *testing.T, test func(t *testing.T, p place)) {
	for _, p := range places() {
		t.Run(p.name, func(t *testing.T) { test(t, p) })
	}
}

func TestResultIsTheSameEverywhere(t *testing.T) {
	inBothPlaces(t, func(t *testing.T, p place) {
		r := module(t, "import pathlib\ndef f(x):\n    return [x, float('nan'), -float('inf'), {'t': (1, 2)}, pathlib.Path('a')]\n")
		r.Args = json.RawMessage(`{"x": "龙\u0000\ud83d\ude00"}`)
		text, err := p.call(t.Context(), r)
		require.NoError(t, err)
		require.JSONEq(t, `["龙\u0000😀", "NaN", "-Infinity", {"t": [1, 2]}, "a"]`, string(text))
	})
}

func TestExceptionArrivesWhole(t *testing.T) {
	inBothPlaces(t, func(t *testing.T, p place) {
		r := module(t, `
class Broken(Exception):
    pass

def g(n):
    raise KeyError(n)

def f(n):
    try:
        g(n)
    except KeyError as cause:
        error = Broken("no row " + str(n))
        error.__notes__ = ["in train.json"]
        raise error from cause
`)
		r.Args = json.RawMessage(`[7]`)
		_, err := p.call(t.Context(), r)
		var e *pybridge.PyError
		require.ErrorAs(t, err, &e)
		require.Equal(t, r.Module+".Broken", e.Type)
		require.Equal(t, "no row 7", e.Message)
		require.Equal(t, []string{"in train.json"}, e.Notes)
		require.Equal(t, "KeyError", e.Cause.Type)
		require.Contains(t, e.Traceback, "in g\n    raise KeyError(n)")
		require.Contains(t, e.Traceback, "direct cause")
		require.NotContains(t, e.Traceback, "_bridge.py")
	})
}

func TestBadRequestsAreClearErrors(t *testing.T) {
	for _, test := range []struct {
		name, source, function, args string
		kind, message                string
	}{
		{"no module", "", "-", "", "ModuleNotFoundError", "No module named 'nosuch'"},
		{"no function", "", "nosuch", "", "AttributeError", "nosuch"},
		{"not JSON", "def f(x): pass", "f", `[1,`, "ValueError", "the arguments are not JSON"},
		{"neither array nor object", "def f(x): pass", "f", `1`, "TypeError", "array or object"},
		{"wrong arguments", "def f(x): pass", "f", `[1, 2]`, "TypeError", "positional argument"},
		{"result not JSON", "def f(): return {'a': [1, object()]}", "f", "", "TypeError", "result['a'][1] is a object"},
		{"key not JSON", "def f(): return {(1, 2): 3}", "f", "", "TypeError", "result has a key of type tuple"},
		{"result in itself", "def f():\n    a = []\n    a.append(a)\n    return a", "f", "", "ValueError", "result[0] contains itself"},
		{"recursion", "def f(): return f()", "f", "", "RecursionError", "maximum recursion depth"},
		{"cyclic cause", "def f():\n    a, b = ValueError('a'), ValueError('b')\n    a.__cause__, b.__cause__ = b, a\n    raise a", "f", "", "ValueError", "a"},
		{"unprintable", "class E(Exception):\n    def __str__(self): raise ValueError\ndef f(): raise E", "f", "", "E", "its text cannot be had"},
		{"syntax", "def f(:", "f", "", "SyntaxError", "invalid syntax"},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBothPlaces(t, func(t *testing.T, p place) {
				r := module(t, test.source)
				r.Function = test.function
				if test.function == "-" {
					r.Module = "nosuch"
				}
				r.Args = json.RawMessage(test.args)
				_, err := p.call(t.Context(), r)
				var e *pybridge.PyError
				require.ErrorAs(t, err, &e)
				require.True(t, strings.HasSuffix(e.Type, test.kind), e.Type)
				require.Contains(t, e.Message, test.message)
			})
		})
	}
	require.Equal(t, 1.0, result[float64](t, module(t, "def f(): return 1")), "the next call")
}

func TestScriptRunsAsMain(t *testing.T) {
	inBothPlaces(t, func(t *testing.T, p place) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "beside.py"), []byte("WORD = 'beside'\n"), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "s.py"), []byte(`
import argparse, sys, beside
parser = argparse.ArgumentParser()
parser.add_argument("--code", type=int)
if __name__ == "__main__":
    args = parser.parse_args()
    open("out", "w").write(beside.WORD)
    sys.exit(args.code)
`), 0o600))
		s := pybridge.Script{File: "s.py", Argv: []string{"--code", "3"}, Surroundings: pybridge.Surroundings{Dir: dir}}
		code, err := p.script(t.Context(), s)
		require.NoError(t, err)
		require.Equal(t, 3, code)
		out, err := os.ReadFile(filepath.Join(dir, "out"))
		require.NoError(t, err)
		require.Equal(t, "beside", string(out))

		s.Argv = []string{"--nosuch"}
		code, err = p.script(t.Context(), s)
		require.NoError(t, err)
		require.Equal(t, 2, code, "argparse's own")
	})
}

func TestSystemExitOfAFunctionIsAnError(t *testing.T) {
	inBothPlaces(t, func(t *testing.T, p place) {
		_, err := p.call(t.Context(), module(t, "import sys\ndef f(): sys.exit('no data')"))
		var e *pybridge.ExitError
		require.ErrorAs(t, err, &e)
		require.Equal(t, pybridge.ExitError{Code: 1, Message: "no data"}, *e)
	})
}

func TestThreadsAndStandardInput(t *testing.T) {
	inBothPlaces(t, func(t *testing.T, p place) {
		text, err := p.call(t.Context(), module(t, `
import sys, threading
def f():
    threads = [threading.Thread(target=sys.exit, args=(n,)) for n in range(4)]
    for t in threads: t.start()
    for t in threads: t.join()
    try:
        input()
    except EOFError:
        return sys.stdin.read()
`))
		require.NoError(t, err)
		require.Equal(t, `""`, string(text))
	})
}

func TestCheckNamesTheMissingModule(t *testing.T) {
	require.NoError(t, python.Check(t.Context(), []string{"json", "email.mime.text"}))
	require.ErrorContains(t, python.Check(t.Context(), []string{"json", "nosuch"}), "No module named 'nosuch'")
}

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
	r := module(t, "import os\ndef f():\n    for _ in range(100): os.write(1, b'x' * 1048575 + b'\\n')")
	r.LogFile = filepath.Join(t.TempDir(), "log")
	var bytes int
	r.Output = func(line string) { bytes += len(line) }
	result[any](t, r)
	info, err := os.Stat(r.LogFile)
	require.NoError(t, err)
	require.EqualValues(t, 100<<20, info.Size())
	require.Equal(t, 100*1048575, bytes)
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

func TestSurroundingsArePutBack(t *testing.T) {
	const look = `
import os, sys, warnings
def f():
    mask = os.umask(0)
    os.umask(mask)
    return [os.getcwd(), mask, dict(os.environ), sys.argv, sys.path, len(warnings.filters), sys.getrecursionlimit()]
`
	before := result[any](t, module(t, look))
	require.EqualValues(t, umask(t), before.([]any)[1])
	directory, err := os.Getwd()
	require.NoError(t, err)

	r := module(t, `
import os, sys, warnings
def f():
    os.makedirs("output")
    assert os.environ["FTD_TEST"] == "甲", os.environ
    os.chdir("/")
    os.umask(0)
    os.environ["FTD_TEST_2"] = "x"
    os.environ.pop("PATH")
    sys.argv = ["x"]
    sys.path = ["/"]
    warnings.filters.append(("ignore", None, Warning, None, 0))
    sys.setrecursionlimit(5000)
    sys.stdout.close()
    raise SystemExit(0)
`)
	r.Dir = t.TempDir()
	r.Env = map[string]string{"FTD_TEST": "甲"}
	result[any](t, r)
	require.DirExists(t, filepath.Join(r.Dir, "output"))

	after := result[any](t, module(t, look))
	// Path of the request itself differs.
	cut := func(v any) any {
		list := v.([]any)
		list[4] = list[4].([]any)[1:]
		return list
	}
	require.Equal(t, cut(before), cut(after))
	now, err := os.Getwd()
	require.NoError(t, err)
	require.Equal(t, directory, now)
}

// umask is the one that the process was started with.
func umask(t *testing.T) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", os.Getppid()))
	require.NoError(t, err)
	_, after, ok := strings.Cut(string(status), "Umask:")
	require.True(t, ok)
	mask, err := strconv.ParseInt(strings.Fields(after)[0], 8, 32)
	require.NoError(t, err)
	return mask
}

func TestWorkingDirectoryIsPythonsOwn(t *testing.T) {
	if !python.Info().OwnDirectory {
		t.Skip("the kernel refuses unshare(CLONE_FS) here")
	}
	r := module(t, "import os\ndef f(fifo):\n    os.umask(0o777)\n    open(fifo).read()")
	r.Dir = t.TempDir()
	fifo := filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	r.Args, _ = json.Marshal([]string{fifo})
	var wg sync.WaitGroup
	var callError error
	wg.Go(func() { _, callError = python.Call(t.Context(), r) })
	end, err := os.OpenFile(fifo, os.O_WRONLY, 0) // returns when Python has opened it
	require.NoError(t, err)
	now, err := os.Getwd()
	require.NoError(t, err)
	require.NotEqual(t, r.Dir, now)
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode())
	end.Close()
	wg.Wait()
	require.NoError(t, callError)
}

func TestWorkingDirectoryWhereTheKernelRefusesOne(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	out, err := inRole(t, "container", file).CombinedOutput()
	require.NoError(t, err, "%s", out)
	log, err := os.ReadFile(file + ".log")
	require.NoError(t, err)
	require.Equal(t, filepath.Dir(file)+"\n", string(log))
}

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
	_, err = python.Worker(t.Context(), module(t, "def f(): return 1"))
	require.NoError(t, err)

	end.Close()
	wg.Wait()
	last := hold
	last.Args = json.RawMessage(`{"n": 4}`)
	require.Equal(t, []any{0.0, 1.0, 2.0, 3.0, 4.0}, result[any](t, last))
}

func TestQuestionsThatComeAtOnceDoNotWaitForEachOther(t *testing.T) {
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
