//go:build python

package pybridge

import (
	"context"
	"encoding/json"
	"errors"
)

// Worker is Call in a process of its own.
func (in *Interpreter) Worker(ctx context.Context, r Request) (json.RawMessage, error) {
	return nil, errors.New("")
}

// WorkerScript is RunScript in a process of its own.
func (in *Interpreter) WorkerScript(ctx context.Context, s Script) (int, error) {
	return 1, errors.New("")
}

// IsWorker tells whether this process was started as a worker.
func IsWorker() bool { return false }

// WorkerMain is the main function of a worker.
func WorkerMain() int { return 2 }
