//go:build python

package pybridge_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"ftd/pybridge"
)

// needMindSpore skips a test where the interpreter has no MindSpore, or fails
// it where everything must be there.
func needMindSpore(t *testing.T) {
	t.Helper()
	env := os.Getenv("FTD_TEST_ENV")
	if env != "" && strings.HasPrefix(os.Getenv("FTD_TEST_PYTHON"), env+string(filepath.Separator)) {
		return
	}
	const what = "FTD_TEST_ENV, an environment with MindSpore, and its interpreter in FTD_TEST_PYTHON"
	if os.Getenv("FTD_TEST_COMPLETE") != "" {
		t.Fatal("this test needs " + what)
	}
	t.Skip("needs " + what)
}

// pipeline runs a real dataset; its threads or processes square numbers.
const pipeline = `
import os
import mindspore as ms
import mindspore.dataset as ds
import numpy as np

def square(x):
    return x * x

def f(processes=False):
    data = ds.NumpySlicesDataset(np.arange(64, dtype=np.int64), shuffle=False)
    data = data.map(square, num_parallel_workers=2, python_multiprocessing=processes)
    total = sum(int(row[0]) for row in data.create_tuple_iterator(output_numpy=True))
    return [total, ms.get_context("device_target")]
`

const squares = 63 * 64 * 127 / 6

func TestMindSporeDatasetsLeaveTheSignalsToGo(t *testing.T) {
	needMindSpore(t)
	r := module(t, pipeline)
	r.Dir = t.TempDir()
	r.LogFile = filepath.Join(t.TempDir(), "log")
	before := python.Info().Guard
	for range 2 {
		require.Equal(t, []any{float64(squares), "CPU"}, result[any](t, r))
		for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGCHLD} {
			gets(t, sig)
		}
		require.NoError(t, exec.Command("true").Run())
	}
	after := python.Info().Guard
	// The first one left the signals alone unless it had processes.
	if result[string](t, module(t, "import mindspore\ndef f(): return mindspore.__version__")) != "2.0.0" {
		require.Greater(t, after.Refused["SIGCHLD"], before.Refused["SIGCHLD"], "the pipeline has tried")
	}
	require.ElementsMatch(t, before.Escaped, after.Escaped)
}

// TestMindSporeDoesNotEndTheDaemon lets the data set engine do what it does
// when a sample function runs out of memory: kill its own process.
func TestMindSporeDoesNotEndTheDaemon(t *testing.T) {
	needMindSpore(t)
	r := module(t, `
import mindspore.dataset as ds
import numpy as np

def sample(x):
    raise MemoryError("Out of memory")

def f():
    data = ds.NumpySlicesDataset(np.arange(4), column_names=["x"], shuffle=False).map(sample, ["x"])
    for row in data.create_dict_iterator(output_numpy=True):
        pass
`)
	r.Dir = t.TempDir()
	r.LogFile = filepath.Join(t.TempDir(), "log")
	_, err := python.Call(t.Context(), r)
	var signalled *pybridge.SignalError
	require.ErrorAs(t, err, &signalled)
	require.Equal(t, syscall.SIGKILL, signalled.Signal)
	require.Equal(t, 1.0, result[float64](t, module(t, "def f(): return 1")), "the next call")

	_, err = python.Worker(t.Context(), r)
	var died *pybridge.WorkerError
	require.ErrorAs(t, err, &died)
	require.Equal(t, syscall.SIGKILL, died.Signal)
}

func TestMindSporeReapsNoChildOfGo(t *testing.T) {
	needMindSpore(t)
	child := exec.Command("sh", "-c", "exit 3")
	require.NoError(t, child.Start())
	require.NoError(t, unix.Waitid(unix.P_PID, child.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil))
	r := module(t, `
from mindspore.dataset.engine import datasets
def f():
    wait = getattr(datasets._PythonMultiprocessing, "wait_pid", None)
    if wait:
        wait()
    return wait is not None
`)
	r.Dir = t.TempDir()
	before := python.Info().Guard.Waits
	if result[bool](t, r) { // newer ones wait for none
		require.Greater(t, python.Info().Guard.Waits, before, "it has tried")
	}
	require.Error(t, child.Wait())
	require.Equal(t, 3, child.ProcessState.ExitCode())
}

func TestMindSporeDatasetsWithProcessesRunIsolated(t *testing.T) {
	needMindSpore(t)
	r := module(t, pipeline)
	r.Dir = t.TempDir()
	r.LogFile = filepath.Join(t.TempDir(), "log")
	r.Args = json.RawMessage(`{"processes": true}`)
	_, err := python.Call(t.Context(), r)
	var e *pybridge.PyError
	require.ErrorAs(t, err, &e)
	require.Contains(t, e.Message, "isolation: worker")

	text, err := python.Worker(t.Context(), r)
	require.NoError(t, err)
	var got []any
	require.NoError(t, json.Unmarshal(text, &got))
	require.Equal(t, []any{float64(squares), "CPU"}, got)
}

func TestMindformersWritesItsLogIntoTheStep(t *testing.T) {
	needMindSpore(t)
	inBothPlaces(t, func(t *testing.T, p place) {
		first, second := t.TempDir(), t.TempDir()
		r := module(t, "def f(text):\n    from mindformers.tools.logger import logger\n    logger.info(text)")
		for _, dir := range []string{first, second} {
			r.Dir = dir
			r.LogFile = filepath.Join(dir, "log")
			r.Args, _ = json.Marshal([]string{"words for " + dir})
			_, err := p.call(t.Context(), r)
			require.NoError(t, err)
			text, err := os.ReadFile(filepath.Join(dir, "output", "log", "rank_0", "info.log"))
			require.NoError(t, err)
			require.Contains(t, string(text), "words for "+dir)
			text, err = os.ReadFile(r.LogFile)
			require.NoError(t, err)
			require.Contains(t, string(text), "words for "+dir)
		}
	})
}
