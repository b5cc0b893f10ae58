//go:build python

package pybridge_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/pybridge"
)

func TestWorkerThatDies(t *testing.T) {
	needWorkers(t)
	for _, test := range []struct {
		name, code string
		want       pybridge.WorkerError
		stack      bool
	}{
		{"segmentation fault", "ctypes.string_at(0)", pybridge.WorkerError{Signal: syscall.SIGSEGV, Code: 139}, true},
		{"abort", "os.abort()", pybridge.WorkerError{Signal: syscall.SIGABRT, Code: 134}, true},
		{"killed", "os.kill(os.getpid(), 9)", pybridge.WorkerError{Signal: syscall.SIGKILL, Code: 137}, false},
		{"terminated", "os.kill(os.getpid(), 15)", pybridge.WorkerError{Signal: syscall.SIGTERM, Code: 143}, false},
		{"exit", "os._exit(3)", pybridge.WorkerError{Code: 3}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := module(t, "import ctypes, os\ndef f():\n    print('last words')\n    "+test.code)
			_, err := python.Worker(t.Context(), r)
			var e *pybridge.WorkerError
			require.ErrorAs(t, err, &e)
			require.Equal(t, test.want.Signal, e.Signal)
			require.Equal(t, test.want.Code, e.Code)
			require.Equal(t, []string{"last words"}, e.Output)
			if test.stack {
				require.Contains(t, e.Stack, "in f")
			}
		})
	}
}

func TestWorkerMayForkAndHandleSignals(t *testing.T) {
	needWorkers(t)
	text, err := python.Worker(t.Context(), module(t, `
import multiprocessing, os, signal, time

def double(x):
    return 2 * x

def f():
    rang = []
    signal.signal(signal.SIGALRM, lambda *_: rang.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    while not rang:
        time.sleep(0.01)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        doubled = pool.map(double, [1, 2])
    ends = []
    for number in (signal.SIGTERM, signal.SIGUSR1):
        pid = os.fork()
        if pid == 0:
            time.sleep(600)
        os.kill(pid, number)
        ends.append(os.WTERMSIG(os.waitpid(-1, 0)[1]))
    return [doubled, ends]
`))
	require.NoError(t, err)
	require.JSONEq(t, "[[2, 4], [15, 10]]", string(text))
}

// gone waits until no process has the pid, or only a zombie.
func gone(t *testing.T, pid int) {
	t.Helper()
	require.Eventually(t, func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || strings.Contains(string(stat), ") Z ")
	}, 10*time.Second, 10*time.Millisecond)
}

const leavesChild = `
import os, time
def f(path):
    pid = os.fork()
    if pid == 0:
        time.sleep(600)
    with open(path + ".new", "w") as out:
        out.write(str(pid))
    os.rename(path + ".new", path)
    print("go", flush=True)
`

func TestNothingIsLeftOfAWorker(t *testing.T) {
	needWorkers(t)
	path := filepath.Join(t.TempDir(), "pid")
	pid := func() int {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		n, err := strconv.Atoi(string(text))
		require.NoError(t, err)
		return n
	}
	t.Run("when it returns", func(t *testing.T) {
		r := module(t, leavesChild)
		r.Args, _ = json.Marshal([]string{path})
		_, err := python.Worker(t.Context(), r)
		require.NoError(t, err)
		gone(t, pid())
	})
	t.Run("when it is cancelled", func(t *testing.T) {
		r := module(t, leavesChild+"    time.sleep(600)\n")
		r.Args, _ = json.Marshal([]string{path})
		ctx, cause := cancelWhen(t, &r)
		_, err := python.Worker(ctx, r)
		require.Equal(t, cause, err)
		gone(t, pid())
	})
	t.Run("when the daemon dies", func(t *testing.T) {
		require.NoError(t, os.Remove(path))
		daemon := inRole(t, "parent", path)
		require.NoError(t, daemon.Start())
		require.Eventually(t, func() bool { _, err := os.Stat(path); return err == nil }, 30*time.Second, 10*time.Millisecond)
		require.NoError(t, daemon.Process.Kill())
		_ = daemon.Wait()
		gone(t, pid())
	})
}

func TestACrashIsWrittenToTheCrashFile(t *testing.T) {
	dir := t.TempDir()
	out, err := inRole(t, "crash", filepath.Join(dir, "crash")).CombinedOutput()
	require.Error(t, err, "%s", out)
	crash, err := os.ReadFile(filepath.Join(dir, "crash"))
	require.NoError(t, err)
	require.Contains(t, string(crash), "SIGSEGV")
	require.Contains(t, string(crash), "goroutine")
	log, err := os.ReadFile(filepath.Join(dir, "crash.log"))
	require.NoError(t, err)
	require.Contains(t, string(log), "before the end")
}
