//go:build python

package daemon

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// pythonHouse is a house whose daemon has the Python that it was built for.
func pythonHouse(t *testing.T, args ...string) *house {
	t.Helper()
	env := os.Getenv("FTD_TEST_ENV")
	if env == "" {
		env = filepath.Dir(filepath.Dir(os.Getenv("FTD_TEST_PYTHON")))
	}
	if env == "." {
		need(t, "FTD_TEST_ENV, an environment of the Python that this is built for")
	}
	return newHouse(t, append([]string{"--env", env}, args...)...)
}

func TestAPersonCallsPython(t *testing.T) {
	t.Parallel()
	h := pythonHouse(t)
	call := func(module, function string, args any) (*api.CallResult, error) {
		return h.Call(t.Context(), api.CallRequest{Module: module, Function: function, Args: args})
	}
	r, err := call("math", "hypot", []int{3, 4})
	require.NoError(t, err)
	require.Equal(t, json.Number("5.0"), r.Result)
	const large = "12345678901234567"
	r, err = call("builtins", "abs", json.RawMessage("[-"+large+"]"))
	require.NoError(t, err)
	require.Equal(t, json.Number(large), r.Result)
	r, err = call("builtins", "print", []string{"hello", "there"})
	require.NoError(t, err)
	require.Equal(t, "hello there\n", r.Output)
	require.Nil(t, r.Result)

	_, err = call("json", "loads", []string{"{"})
	requireCode(t, err, api.CodePython)
	require.ErrorContains(t, err, "JSONDecodeError")
	require.ErrorContains(t, err, "see the traceback")
	for function, args := range map[string]any{"raise_signal": []int{15}, "alarm": []int{1}} {
		_, err = call("signal", function, args)
		requireCode(t, err, api.CodePython)
		require.ErrorContains(t, err, "ftctl call --worker signal "+function)
	}
	_, err = call("sys", "exit", []int{3})
	requireCode(t, err, api.CodePython)
	_, err = call("no_such_module", "f", nil)
	requireCode(t, err, api.CodePython)
	_, err = h.Call(t.Context(), api.CallRequest{Module: "os", Function: "abort", Isolation: "worker"})
	requireCode(t, err, api.CodePython)

	v, err := h.GetVersion(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, v.Python)
}

func TestACallDoesNotWaitForOneThatRuns(t *testing.T) {
	t.Parallel()
	h := pythonHouse(t)
	inside, err := h.Call(t.Context(), api.CallRequest{Module: "os", Function: "getpid"})
	require.NoError(t, err)
	require.Equal(t, json.Number(strconv.Itoa(h.daemon.Process.Pid)), inside.Result)
	long := make(chan error, 1)
	go func() {
		_, err := h.Call(t.Context(), api.CallRequest{Module: "time", Function: "sleep", Args: []int{600}, TimeoutSeconds: 3})
		long <- err
	}()
	h.untilPythonIsBusy()
	outside, err := h.Call(t.Context(), api.CallRequest{Module: "os", Function: "getpid"})
	require.NoError(t, err)
	require.NotEqual(t, inside.Result, outside.Result, "a call that comes meanwhile is answered by another process")
	require.Equal(t, "running", h.version().Calls.State)
	require.Equal(t, "time.sleep", h.version().Calls.Running.What)

	// A step waits for it, and can be seen to wait, and for what.
	_, err = h.Submit(t.Context(), api.Submit{Text: `{apiVersion: ftd/v1, name: waits, steps: [{id: pid, uses: python, with: {module: os, function: getpid}}]}`})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		waiting := h.version().Calls.Waiting
		return len(waiting) == 1 && waiting[0].What == "os.getpid"
	}, waitLong, waitTick)
	requireCode(t, <-long, api.CodeTimeout)
	require.Equal(t, "stuck", h.version().Calls.State)
}

// untilPythonIsBusy waits until a call runs inside the daemon. A call that came
// at the same moment as the one waited for would only compete with it.
func (h *house) untilPythonIsBusy() {
	h.t.Helper()
	require.Eventually(h.t, func() bool {
		body, err := h.Metrics(h.t.Context())
		if err != nil {
			return false
		}
		defer body.Close()
		text, err := io.ReadAll(body)
		return err == nil && strings.Contains(string(text), "\nftd_python_busy 1\n")
	}, waitLong, waitTick)
}

func TestACrashInACallIsKeptForTheNextDaemon(t *testing.T) {
	t.Parallel()
	h := pythonHouse(t)
	_, err := h.Call(t.Context(), api.CallRequest{Module: "ctypes", Function: "string_at", Args: []int{1}})
	requireCode(t, err, api.CodeUnreachable)
	require.Error(t, h.daemon.Wait())
	h.start()
	kept, err := filepath.Glob(filepath.Join(h.dir, "state", "crash", "crash-*.txt"))
	require.NoError(t, err)
	require.Len(t, kept, 1)
	text, err := os.ReadFile(kept[0])
	require.NoError(t, err)
	require.Contains(t, string(text), "SIGSEGV")
}

// The first time, the step is the end of the daemon. The next one finds its
// mark, and the step runs in a worker: from then on, whatever it does there.
func TestAStepThatTookTheDaemonDownRunsInAWorker(t *testing.T) {
	t.Parallel()
	h := pythonHouse(t)
	runs := filepath.Join(h.dir, "runs")
	require.NoError(t, os.WriteFile(filepath.Join(h.dir, "falls.py"), []byte(`import ctypes, os

def fall(runs):
    with open(runs, "a") as out:
        print(os.getpid(), file=out)
    with open(runs) as pids:
        if len(pids.readlines()) == 1:
            print("before the fall", flush=True)
            ctypes.string_at(0)
`), 0o600))
	job, err := h.Submit(t.Context(), api.Submit{Text: fmt.Sprintf(`apiVersion: ftd/v1
name: fall
steps:
  - id: fall
    uses: python
    with: {module: falls, function: fall, args: {runs: %q}, path: [%q]}
`, runs, h.dir)})
	require.NoError(t, err)
	first := h.daemon.Process.Pid
	require.Error(t, h.daemon.Wait())
	h.start()
	ended := h.wait(job.ID)
	require.Equal(t, api.StateSucceeded, ended.State, "%+v", ended.Error)
	text, err := os.ReadFile(runs)
	require.NoError(t, err)
	pids := strings.Fields(string(text))
	require.Len(t, pids, 2)
	require.Equal(t, strconv.Itoa(first), pids[0])
	require.NotEqual(t, strconv.Itoa(h.daemon.Process.Pid), pids[1])
	require.Contains(t, h.said(), "this step took the daemon down")
	log, err := os.ReadFile(filepath.Join(ended.Steps[0].Attempts[0].Dir, "step.log"))
	require.NoError(t, err)
	require.Contains(t, string(log), "before the fall")
	require.NotContains(t, h.said(), "before the fall", "the daemon's own log")
}

// What a worker printed last, and where its Python was, is told with its death.
func TestTheLastWordsOfAWorker(t *testing.T) {
	t.Parallel()
	h := pythonHouse(t)
	require.NoError(t, os.WriteFile(filepath.Join(h.dir, "dies.py"), []byte(`import ctypes

def die():
    print("last words")
    ctypes.string_at(0)
`), 0o600))
	job, err := h.Submit(t.Context(), api.Submit{Text: fmt.Sprintf(`apiVersion: ftd/v1
name: die
steps:
  - id: die
    uses: python
    isolation: worker
    with: {module: dies, function: die, path: [%q]}
`, h.dir)})
	require.NoError(t, err)
	ended := h.wait(job.ID).Error
	require.Contains(t, ended.Message, "SIGSEGV")
	words := strings.Join(ended.Excerpt, "\n")
	require.Contains(t, words, "last words")
	require.Contains(t, words, "in die")

	_, err = h.Call(t.Context(), api.CallRequest{Module: "ctypes", Function: "string_at", Args: []int{0}, Isolation: "worker"})
	var called *api.Error
	require.ErrorAs(t, err, &called)
	require.Contains(t, strings.Join(called.Excerpt, "\n"), "Segmentation fault")
}

func TestTheDaemonOutlivesAnExitInACall(t *testing.T) {
	t.Parallel()
	h := pythonHouse(t)
	pid := func() json.Number {
		r, err := h.Call(t.Context(), api.CallRequest{Module: "os", Function: "getpid"})
		require.NoError(t, err)
		return r.Result.(json.Number)
	}
	own := json.Number(strconv.Itoa(h.daemon.Process.Pid))
	require.Equal(t, own, pid())

	before := h.version()
	_, err := h.Call(t.Context(), api.CallRequest{Module: "ctypes", Function: "pythonapi.exit", Args: []int{3}})
	requireCode(t, err, api.CodePython)
	require.ErrorContains(t, err, "exit(3)")
	require.ErrorContains(t, err, "isolation: worker")
	require.NotEqual(t, own, pid(), "calls are answered by workers")

	h.restarted(before)
	require.Equal(t, own, pid(), "a new interpreter in the same process")
}

func TestAShutdownDoesNotWaitForPython(t *testing.T) {
	t.Parallel()
	h := pythonHouse(t)
	begun := make(chan error, 1)
	go func() {
		_, err := h.Call(t.Context(), api.CallRequest{Module: "time", Function: "sleep", Args: []int{600}})
		begun <- err
	}()
	h.untilPythonIsBusy()
	h.end(syscall.SIGTERM)
	require.Error(t, <-begun)
}

// need skips a test that lacks something, or fails it where everything must be
// there.
func need(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("FTD_TEST_COMPLETE") != "" {
		t.Fatalf("this test needs %s", what)
	}
	t.Skipf("needs %s", what)
}
