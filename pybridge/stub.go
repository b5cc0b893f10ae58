//go:build !python

package pybridge

import (
	"context"
	"encoding/json"
	"os"
)

// Interpreter is an embedded CPython. In this build it cannot be had.
type Interpreter struct{}

// Start says that this binary was built without Python.
func Start(context.Context, Config) (*Interpreter, error) { return nil, ErrNotBuilt }

// Call says that this binary was built without Python.
func (*Interpreter) Call(context.Context, Request) (json.RawMessage, error) { return nil, ErrNotBuilt }

// Query says that this binary was built without Python.
func (*Interpreter) Query(context.Context, Request) (json.RawMessage, error) { return nil, ErrNotBuilt }

// RunScript says that this binary was built without Python.
func (*Interpreter) RunScript(context.Context, Script) (int, error) { return 0, ErrNotBuilt }

// Check says that this binary was built without Python.
func (*Interpreter) Check(context.Context, []string) error { return ErrNotBuilt }

// Worker says that this binary was built without Python.
func (*Interpreter) Worker(context.Context, Request) (json.RawMessage, error) {
	return nil, ErrNotBuilt
}

// WorkerScript says that this binary was built without Python.
func (*Interpreter) WorkerScript(context.Context, Script) (int, error) { return 0, ErrNotBuilt }

// Info is empty in this build.
func (*Interpreter) Info() Info { return Info{} }

// BuiltFor is the Python version this binary was built for: none.
func BuiltFor() string { return "" }

// IsWorker tells whether this process was started as a worker: never here.
func IsWorker() bool { return false }

// WorkerMain is the main function of a worker.
func WorkerMain() int { return 2 }

// OwnStreams has nothing to give back.
func OwnStreams() {}

// DaemonStderr is the standard error stream the process was started with.
func DaemonStderr() *os.File { return os.Stderr }
