package recipe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// python is the interpreter for the step: the daemon's, or processes of the
// environment that the step names.
func (s *StepContext) python() Python {
	if s.elsewhere {
		return otherPython{s}
	}
	return s.Host.Python()
}

// otherPython runs each call in a process of another environment. It needs no
// daemon that was built for that Python: request and answer are files, which
// py/ftd_run reads and writes.
type otherPython struct{ s *StepContext }

func (p otherPython) Interpreter() string { return p.s.Settings.Python }

// otherRequest is what ftd_run reads.
type otherRequest struct {
	Module   string          `json:"module"`
	Function string          `json:"function"`
	Args     json.RawMessage `json:"args,omitempty"`
	Script   string          `json:"script,omitempty"`
	Argv     []string        `json:"argv,omitempty"`
	Path     []string        `json:"path"`
	Progress string          `json:"progress"`
	Answer   string          `json:"answer"`
}

// otherError is an exception of the other Python, or its end without an answer.
type otherError struct {
	Type      string   `json:"type"`
	Message   string   `json:"message"`
	Traceback []string `json:"traceback"`
}

func (e *otherError) Error() string { return e.Type + ": " + e.Message }

// PythonError implements [PythonError].
func (e *otherError) PythonError() (typ, message string, traceback []string) {
	return e.Type, e.Message, e.Traceback
}

func (p otherPython) Call(ctx context.Context, c PythonCall) (json.RawMessage, error) {
	dir := p.s.Attempt.Dir
	request := otherRequest{
		Module: c.Module, Function: c.Function, Args: c.Args, Script: c.Script, Argv: c.Argv, Path: c.Path,
		Progress: filepath.Join(dir, "progress.jsonl"), Answer: filepath.Join(dir, "answer.json"),
	}
	for _, old := range []string{request.Progress, request.Answer} { // of an earlier daemon
		os.Remove(old)
	}
	text, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "request.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	told := &lineTail{path: request.Progress, line: func(line string) {
		var done, total int64
		var note string
		if json.Unmarshal([]byte(line), &[]any{&done, &total, &note}) == nil {
			c.Progress(done, total, note)
		}
	}}
	exit, err := subprocess{
		name: "python", dir: c.Dir, command: []string{p.Interpreter(), "-B", filepath.Join(p.s.Settings.Library, "ftd_run"), file},
		also: func() { told.read(false) },
	}.run(ctx, p.s)
	if err != nil {
		return nil, err
	}
	var answer struct {
		otherError
		Result json.RawMessage `json:"result"`
	}
	text, err = os.ReadFile(request.Answer)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("the Python of %s ended without an answer (status %d%s)", p.s.Settings.Env, exit.Code, signalled(exit.Signal))
	case err != nil:
		return nil, err
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, err
	}
	if answer.Type != "" {
		return nil, &answer.otherError
	}
	return answer.Result, nil
}

func signalled(signal string) string {
	if signal == "" {
		return ""
	}
	return ", " + signal
}
