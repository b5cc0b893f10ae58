//go:build python

package pybridge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
		panic(playRole(name, os.Getenv("FTD_TEST_ARGUMENT"), os.Getenv("FTD_TEST_DIR")))
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
	library, devices = filepath.Join(dir, "library"), filepath.Join(dir, "davinci")
	python, err = pybridge.Start(context.Background(), pybridge.Config{
		Prefix:    filepath.Dir(filepath.Dir(program)),
		Program:   program,
		Library:   library,
		CrashFile: filepath.Join(dir, "crash"),
		Devices:   devices,
		Grace:     time.Second,
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

func TestInfo(t *testing.T) {
	info := python.Info()
	require.Equal(t, pybridge.StateIdle, info.State)
	require.Contains(t, info.Version, pybridge.BuiltFor())
	require.Equal(t, os.Getenv("FTD_TEST_PYTHON"), info.Program)
	require.True(t, info.Guard.Exported)
	require.Contains(t, info.Path, library)
}
