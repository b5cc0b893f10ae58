//go:build python

package pybridge_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

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
    os.makedirs("made")
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
	require.DirExists(t, filepath.Join(r.Dir, "made"))

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

// A step may throw away what holds the surroundings, not only what is in it.
func TestSurroundingsThatWereThrownAway(t *testing.T) {
	const look = `
import os, sys, warnings
def f():
    print("to the log", file=sys.stderr)
    print("to the log")
    return [os.getcwd(), os.environb.get(b"PATH"), os.environ["PATH"], sys.argv, sys.path[1:], len(warnings.filters), str(sys.stdout)]
`
	before := result[any](t, module(t, look))
	for _, code := range []string{
		"os.environ = {'PATH': 'x'}",
		"os.environ = os.environb = None",
		"del os.environ",
		"del sys.stdout",
		"del sys.stderr, sys.__stderr__",
		"sys.stdout = None",
		"sys.stdout = type('S', (), {'flush': lambda self: sys.exit(3)})()",
		"sys.path = sys.argv = None",
		"del sys.path, sys.argv",
		"warnings.filters = None",
		"del warnings.filters, warnings.showwarning",
		"warnings.filters = []; warnings.simplefilter('error')",
		"os.close(1); os.close(2)",
	} {
		t.Run(code, func(t *testing.T) {
			r := module(t, "import os, sys, warnings\ndef f():\n    os.chdir('/')\n    os.environ['PATH'] = 'y'\n    "+code)
			r.LogFile = filepath.Join(t.TempDir(), "log")
			_, err := python.Call(t.Context(), r)
			require.NoError(t, err)
			r = module(t, look)
			r.LogFile = filepath.Join(t.TempDir(), "log")
			require.Equal(t, before, result[any](t, r))
			log, err := os.ReadFile(r.LogFile)
			require.NoError(t, err)
			require.Equal(t, "to the log\nto the log\n", string(log))
		})
	}
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

// A log file that a library opened in one step's directory is in that of the
// next, if anything is logged there.
func TestLogFilesFollowTheSteps(t *testing.T) {
	const opens = `
import logging, os
def f(**_):
    os.makedirs("output/log", exist_ok=True)  # mindformers may have made it
    logging.getLogger("ftd_follows").addHandler(logging.FileHandler("output/log/info.log", delay=True))
    logging.getLogger("ftd_follows").error("first")
`
	const quiet = `
def f(): pass
`
	const logs = `
import logging
def f(): logging.getLogger("ftd_follows").error("third")
`
	dirs := map[string]string{}
	for _, source := range []string{opens, quiet, logs} {
		r := module(t, source)
		r.Dir = t.TempDir()
		result[any](t, r)
		dirs[source] = r.Dir
	}
	require.NoDirExists(t, filepath.Join(dirs[quiet], "output"), "nothing was logged")
	for source, want := range map[string]string{opens: "first\n", logs: "third\n"} {
		got, err := os.ReadFile(filepath.Join(dirs[source], "output/log/info.log"))
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
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
	if len(emulator()) > 0 {
		t.Skip("an emulator has no seccomp, by which the test's kernel refuses it")
	}
	file := filepath.Join(t.TempDir(), "file")
	out, err := inRole(t, "container", file).CombinedOutput()
	require.NoError(t, err, "%s", out)
	log, err := os.ReadFile(file + ".log")
	require.NoError(t, err)
	require.Equal(t, filepath.Dir(file)+"\n", string(log))
}
