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
	require.Greater(t, after.Refused["SIGCHLD"], before.Refused["SIGCHLD"], "the pipeline has tried")
	require.ElementsMatch(t, before.Escaped, after.Escaped)
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
	first, second := t.TempDir(), t.TempDir()
	r := module(t, "def f(text):\n    from mindformers.tools.logger import logger\n    logger.info(text)")
	for _, dir := range []string{first, second} {
		r.Dir = dir
		r.LogFile = filepath.Join(dir, "log")
		r.Args, _ = json.Marshal([]string{"words for " + dir})
		result[any](t, r)
		text, err := os.ReadFile(filepath.Join(dir, "output", "log", "rank_0", "info.log"))
		require.NoError(t, err)
		require.Contains(t, string(text), "words for "+dir)
		text, err = os.ReadFile(r.LogFile)
		require.NoError(t, err)
		require.Contains(t, string(text), "words for "+dir)
	}
}
