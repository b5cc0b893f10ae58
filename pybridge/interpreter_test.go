//go:build python

package pybridge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"ftd/pybridge"
)

// python is the interpreter of all tests in this process, since there can be
// only one.
var python *pybridge.Interpreter

// library is the directory of ftd's Python files, devices the stand-in for
// the place of accelerator cards.
var library, devices string

func TestMain(m *testing.M) {
	if pybridge.IsWorker() {
		pybridge.WorkerMain()
		return
	}
	if name := os.Getenv("FTD_TEST_ROLE"); name != "" {
		if err := playRole(name, os.Getenv("FTD_TEST_ARGUMENT"), os.Getenv("FTD_TEST_DIR")); err != nil {
			panic(err)
		}
		return
	}
	program := os.Getenv("FTD_TEST_PYTHON")
	if program == "" {
		panic(`FTD_TEST_PYTHON is not set: eval "$(scripts/build.sh --test-env --env ENV)"`)
	}
	dir, err := os.MkdirTemp("", "pybridge")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	// Under nohup these are ignored from the start and not Go's to keep, unless
	// somebody wants them, as the daemon does.
	for _, sig := range []os.Signal{syscall.SIGHUP, syscall.SIGINT} {
		if signal.Ignored(sig) {
			signal.Notify(make(chan os.Signal, 1), sig)
		}
	}
	library, devices = filepath.Join(dir, "library"), filepath.Join(dir, "davinci")
	python, err = pybridge.Start(context.Background(), pybridge.Config{
		Prefix:  filepath.Dir(filepath.Dir(program)),
		Program: program,
		Library: library,
		Devices: devices,
		Grace:   time.Second,
	})
	if err != nil {
		panic(err)
	}
	m.Run()
}

// module writes a Python module and returns a request for its function f.
func module(t *testing.T, source string) pybridge.Request {
	t.Helper()
	dir := t.TempDir()
	name := fmt.Sprintf("m%x", dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, name+".py"), []byte(source), 0o600))
	return pybridge.Request{
		Module: name, Function: "f",
		Surroundings: pybridge.Surroundings{Path: []string{dir}},
	}
}

// result runs a request and decodes what it returned.
func result[T any](t *testing.T, r pybridge.Request) T {
	t.Helper()
	text, err := python.Call(t.Context(), r)
	require.NoError(t, err)
	var value T
	require.NoError(t, json.Unmarshal(text, &value), "%s", text)
	return value
}

func TestCallPassesArguments(t *testing.T) {
	r := module(t, "def f(a, b=2):\n    return {'a': a, 'b': b}\n")
	r.Args = json.RawMessage(`["甲"]`)
	require.Equal(t, map[string]any{"a": "甲", "b": 2.0}, result[map[string]any](t, r))
	r.Args = json.RawMessage(`{"a": [1, null], "b": true}`)
	require.Equal(t, map[string]any{"a": []any{1.0, nil}, "b": true}, result[map[string]any](t, r))
}

// childSays runs the environment's own python.
func childSays(t *testing.T, code string) []string {
	t.Helper()
	cmd := exec.Command(os.Getenv("FTD_TEST_PYTHON"), "-c", code)
	cmd.Dir = t.TempDir()
	out, err := cmd.Output()
	require.NoError(t, err)
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

func TestItIsTheEnvironmentsPython(t *testing.T) {
	const ask = "sys.executable, sys.prefix, sys.exec_prefix, sys.base_prefix, sys.flags.utf8_mode, sys.getfilesystemencoding()"
	want := childSays(t, "import sys\nfor x in "+ask+": print(x)")
	got := result[[]any](t, module(t, "import sys\ndef f(): return [str(x) for x in ("+ask+")]"))
	for i := range want {
		require.Equal(t, want[i], got[i])
	}
	paths := childSays(t, "import os, sys\nfor p in sys.path[1:]: print(p if not p.endswith('.zip') else 'zip')")
	var ours []string
	for _, p := range python.Info().Path {
		if p != library {
			ours = append(ours, strings.TrimSuffix(p, ".zip"))
		}
	}
	for _, p := range paths {
		if p != "zip" {
			require.Contains(t, ours, p)
		}
	}
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	config := pybridge.Config{Prefix: "/nonexistent", Program: "/nonexistent/bin/python", Library: library}
	_, err := pybridge.Start(t.Context(), config)
	require.ErrorContains(t, err, "/nonexistent/bin/python does not start")

	// A Python without its standard library would abort this whole process.
	config.Program = filepath.Join(t.TempDir(), "python")
	require.NoError(t, os.WriteFile(config.Program, []byte("#!/bin/sh\necho 'No module named encodings' >&2\nexit 1\n"), 0o700))
	_, err = pybridge.Start(t.Context(), config)
	require.ErrorContains(t, err, "No module named encodings")

	config.Program = os.Getenv("FTD_TEST_PYTHON")
	_, err = pybridge.Start(t.Context(), config)
	require.ErrorContains(t, err, "already has an interpreter")
}

func TestNoLocaleMeansUTF8(t *testing.T) {
	path := filepath.Join(t.TempDir(), "数据.txt")
	cmd := inRole(t, "locale", path)
	cmd.Env = append(cmd.Env, "LC_ALL=", "LC_CTYPE=", "LANG=")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "甲", string(text))
	log, err := os.ReadFile(path + ".log")
	require.NoError(t, err)
	require.Equal(t, path+"\n", string(log))
}

func TestNothingPilesUp(t *testing.T) {
	descriptors := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		require.NoError(t, err)
		return len(entries)
	}
	r := module(t, "import ftd\ndef f():\n    print(1)\n    ftd.progress(1, 1)\n    raise ValueError")
	r.LogFile = filepath.Join(t.TempDir(), "log")
	r.Dir = t.TempDir()
	r.Output = func(string) {}
	r.Progress = func(int64, int64, string) {}
	call := func() {
		_, err := python.Call(t.Context(), r)
		require.Error(t, err)
	}
	call()
	before, running := descriptors(), goleak.IgnoreCurrent()
	for range 100 {
		call()
	}
	if hasWorkers() {
		for range 3 {
			_, err := python.Worker(t.Context(), r)
			require.Error(t, err)
		}
	}
	require.Equal(t, before, descriptors())
	goleak.VerifyNone(t, running)
}

func TestInfo(t *testing.T) {
	info := python.Info()
	require.Equal(t, pybridge.StateIdle, info.State)
	require.Contains(t, info.Version, pybridge.BuiltFor())
	require.Equal(t, os.Getenv("FTD_TEST_PYTHON"), info.Program)
	require.True(t, info.Guard.Exported)
	require.Contains(t, info.Path, library)
}
