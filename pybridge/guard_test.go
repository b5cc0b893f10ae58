//go:build python

package pybridge_test

import (
	"context"
	"debug/elf"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"ftd/pybridge"
)

// foreignLibrary builds testdata/foreign.c, once.
var foreignLibrary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(library), "foreign.so")
	out, err := exec.Command(compiler(), "-shared", "-fPIC", "-o", path, "testdata/foreign.c").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

// foreign calls a function of the library from Python and returns its result.
func foreign(t *testing.T, function string, argument int) (json.RawMessage, error) {
	t.Helper()
	r := foreignRequest(t, function, argument)
	return python.Call(t.Context(), r)
}

func foreignRequest(t *testing.T, function string, argument int) pybridge.Request {
	t.Helper()
	path, err := foreignLibrary()
	require.NoError(t, err)
	r := module(t, "import ctypes\ndef f(path, name, arg):\n    return getattr(ctypes.CDLL(path), name)(arg)\n")
	r.Args, err = json.Marshal([]any{path, function, argument})
	require.NoError(t, err)
	r.LogFile = filepath.Join(t.TempDir(), "log")
	return r
}

func foreignResult(t *testing.T, function string, argument int) int {
	t.Helper()
	text, err := foreign(t, function, argument)
	require.NoError(t, err)
	var n int
	require.NoError(t, json.Unmarshal(text, &n))
	return n
}

// gets asserts that Go still gets a signal.
func gets(t *testing.T, sig syscall.Signal) {
	t.Helper()
	c := make(chan os.Signal, 8)
	signal.Notify(c, sig)
	defer signal.Stop(c)
	require.NoError(t, syscall.Kill(os.Getpid(), sig))
	select {
	case got := <-c:
		require.Equal(t, sig, got)
	case <-time.After(10 * time.Second):
		t.Fatalf("%s did not reach Go", unix.SignalName(sig))
	}
}

var owned = []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGCHLD, syscall.SIGBUS, syscall.SIGUSR1}

func TestGoKeepsItsSignals(t *testing.T) {
	for _, take := range []string{"install", "ignore", "save_and_restore", "install_raw"} {
		t.Run(take, func(t *testing.T) {
			for _, sig := range owned {
				require.Zero(t, foreignResult(t, take, int(sig)), "the library must not notice")
				if sig != syscall.SIGBUS { // of which a sent one is a crash to Go
					gets(t, sig)
				}
				require.Equal(t, 1, foreignResult(t, "on_stack", int(sig)))
			}
			require.NoError(t, exec.Command("true").Run(), "SIGCHLD must not be ignored")
		})
	}
	info := python.Info().Guard
	require.True(t, info.Armed)
	for _, sig := range owned {
		require.Positive(t, info.Refused[unix.SignalName(sig)], "%s", unix.SignalName(sig))
		require.Contains(t, info.Escaped, unix.SignalName(sig), "by install_raw")
	}
}

func TestPythonSignalHandlersAreRefused(t *testing.T) {
	owned := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGCHLD}
	for _, sig := range append(owned, syscall.SIGUSR1, syscall.SIGALRM) {
		r := module(t, "import signal\ndef f(number): signal.signal(number, lambda *a: None)\n")
		r.Args, _ = json.Marshal([]int{int(sig)})
		_, err := python.Call(t.Context(), r)
		var e *pybridge.PyError
		require.ErrorAs(t, err, &e)
		require.Equal(t, "ftd.HandlerRefused", e.Type)
		require.Contains(t, e.Message, fmt.Sprintf("signal.signal(%d) is refused inside the daemon", sig))
		require.Contains(t, e.Message, "isolation: worker")
	}
	for _, sig := range owned {
		gets(t, sig)
	}
}

// What libraries do in passing goes on: they expect to be refused in a thread.
func TestLibrariesThatTryASignalHandlerGoOn(t *testing.T) {
	r := module(t, `
import asyncio, signal
async def two():
    return 2
def f():
    try:
        signal.signal(signal.SIGINT, lambda *_: None)
    except ValueError:
        pass
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, signal.getsignal(number))
    return asyncio.run(two())
`)
	require.Equal(t, 2, result[int](t, r))
}

func TestForeignHandlersRunOnTheSignalStack(t *testing.T) {
	// A signal that the Go runtime leaves alone, so a library may have it.
	const sig = syscall.SIGTSTP
	before := python.Info().Guard
	// Without a log nothing is looked at after the call: it is not repaired.
	for _, function := range []string{"install", "on_stack"} {
		r := foreignRequest(t, function, int(sig))
		r.LogFile = ""
		require.Equal(t, map[string]int{"install": 0, "on_stack": 1}[function], result[int](t, r))
	}
	require.Equal(t, before.Flagged+1, python.Info().Guard.Flagged)
	require.Zero(t, python.Info().Guard.Refused["SIGTSTP"])
	require.NoError(t, syscall.Kill(os.Getpid(), sig))
	require.Eventually(t, func() bool { return foreignResult(t, "handled_signal", 0) == int(sig) },
		10*time.Second, time.Millisecond, "its own handler runs")

	require.Zero(t, foreignResult(t, "install_raw", int(sig)))
	require.Equal(t, 1, foreignResult(t, "on_stack", int(sig)), "repaired after the step")
	require.Contains(t, python.Info().Guard.Escaped, "SIGTSTP")
}

func TestASignalToOurselvesIsAStepError(t *testing.T) {
	for _, function := range []string{"kill_ourselves", "kill_our_group", "raise_signal", "queue_signal", "signal_thread"} {
		t.Run(function, func(t *testing.T) {
			_, err := foreign(t, function, int(syscall.SIGTERM))
			var e *pybridge.SignalError
			require.ErrorAs(t, err, &e)
			require.Equal(t, syscall.SIGTERM, e.Signal)
		})
	}
	t.Run("python", func(t *testing.T) {
		// It ends there and then, not when the step is through.
		_, err := python.Call(t.Context(), module(t, "import os\ndef f():\n    os.kill(os.getpid(), 9)\n    while True: pass"))
		var e *pybridge.SignalError
		require.ErrorAs(t, err, &e)
		require.Equal(t, syscall.SIGKILL, e.Signal)
	})
	require.Zero(t, foreignResult(t, "kill_ourselves", 0), "asking whether we live is no signal")
	require.Equal(t, 1.0, result[float64](t, module(t, "def f(): return 1")), "the next call")
}

func TestWaitingForAnyChildSeesPythonsOnly(t *testing.T) {
	child := exec.Command("true")
	require.NoError(t, child.Start())
	// It has ended and waits to be waited for.
	require.NoError(t, unix.Waitid(unix.P_PID, child.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil))
	require.Equal(t, -1, foreignResult(t, "wait_for_any", 0))
	require.Equal(t, -1, foreignResult(t, "waitid_for_any", 0))
	pid := result[[]float64](t, module(t, `
import os, subprocess
def f():
    try:
        os.waitpid(-1, 0)
    except ChildProcessError:
        p = subprocess.Popen(["sh", "-c", "exit 3"])
        pid, status = os.waitpid(-1, 0)
        p.returncode = 0
        return [pid == p.pid, os.WEXITSTATUS(status)] == [True, 3] and [1]
`))
	require.Equal(t, []float64{1}, pid)
	require.NoError(t, child.Wait(), "Go's own child is still there")
	require.GreaterOrEqual(t, python.Info().Guard.Waits, 4)
}

func TestGuardIsExportedFromTheExecutable(t *testing.T) {
	path, err := os.Executable()
	require.NoError(t, err)
	file, err := elf.Open(path)
	require.NoError(t, err)
	defer file.Close()
	symbols, err := file.DynamicSymbols()
	require.NoError(t, err)
	defined := map[string]bool{}
	for _, s := range symbols {
		if s.Section != elf.SHN_UNDEF {
			defined[s.Name] = true
		}
	}
	for _, name := range []string{"sigaction", "signal", "kill", "killpg", "raise", "sigqueue", "pthread_kill", "exit", "_exit", "_Exit", "quick_exit", "wait", "waitpid", "wait3", "wait4", "waitid"} {
		require.True(t, defined[name], name)
	}
}

func TestWhatCopiesOrEndsTheProcessIsRefused(t *testing.T) {
	for _, code := range []string{
		"os.fork()", "os._exit(3)", "os.abort()", "os.closerange(3, 100)", "os.execv('/bin/true', ['true'])", "os.execlp('true', 'true')",
		"signal.alarm(1)", "multiprocessing.get_context('fork').Process(target=print).start()",
	} {
		t.Run(code, func(t *testing.T) {
			r := module(t, "import multiprocessing, os, signal\ndef f():\n    return "+code)
			held := 0
			for range 2 {
				_, err := python.Call(t.Context(), r)
				var e *pybridge.PyError
				require.ErrorAs(t, err, &e)
				require.Equal(t, "ftd.IsolationRequired", e.Type)
				require.Contains(t, e.Message, "isolation: worker")
				now := entries(t, "/proc/self/fd")
				require.True(t, held == 0 || now == held, "pipes for a child that there is not: %d, then %d descriptors", held, now)
				held = now
			}
		})
	}
}

func TestSubprocessesAndSpawnWork(t *testing.T) {
	r := module(t, `
import multiprocessing, subprocess, sys
def double(x): return 2 * x
def f():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        doubled = pool.map(double, [1, 2])
    out = subprocess.run([sys.executable, "-c", "print(6)"], stdout=subprocess.PIPE, check=True).stdout
    return doubled + [int(out)]
`)
	require.Equal(t, []any{2.0, 4.0, 6.0}, result[any](t, r))
}

func TestACardIsNeverKept(t *testing.T) {
	require.NoError(t, os.WriteFile(devices+"0", nil, 0o600))
	r := module(t, "import os\nHELD = []\ndef f(path):\n    HELD.append(os.open(path, os.O_RDONLY))\ndef g(): os.close(HELD.pop())")
	r.Args, _ = json.Marshal([]string{devices + "0"})
	r.LogFile = filepath.Join(t.TempDir(), "log")
	_, err := python.Call(t.Context(), r)
	var e *pybridge.DeviceError
	require.ErrorAs(t, err, &e)
	require.Equal(t, []string{devices + "0"}, e.Paths)
	require.True(t, python.Info().HoldsDevice)
	r.Function, r.Args = "g", nil
	result[any](t, r)
	require.False(t, python.Info().HoldsDevice)

	if hasWorkers() {
		_, err = python.Worker(t.Context(), module(t, "def f(): return 1"))
		require.NoError(t, err)
	}
}

func TestCardsAreHiddenExceptFromAWorkerThatNeedsThem(t *testing.T) {
	visible := func(call func(context.Context, pybridge.Request) (json.RawMessage, error), device bool) string {
		r := module(t, "import os\ndef f(): return os.environ.get('ASCEND_RT_VISIBLE_DEVICES')")
		r.Env = map[string]string{"ASCEND_RT_VISIBLE_DEVICES": "0,1"}
		r.Device = device
		text, err := call(t.Context(), r)
		require.NoError(t, err)
		return string(text)
	}
	require.Equal(t, `""`, visible(python.Call, false))
	if hasWorkers() {
		require.Equal(t, `""`, visible(python.Worker, false))
		require.Equal(t, `"0,1"`, visible(python.Worker, true))
	}
	_, err := python.Call(t.Context(), pybridge.Request{Module: "os", Function: "getcwd", Surroundings: pybridge.Surroundings{Device: true}})
	require.ErrorContains(t, err, "isolation: worker")
}
