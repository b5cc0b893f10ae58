package recipe

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

type processPython memoryHost

func (p *processPython) Interpreter() string { return p.python }

// callError is a Python exception.
type callError struct {
	Type, Message string
	Traceback     []string
}

func (e *callError) Error() string { return e.Type + ": " + e.Message }
func (e *callError) PythonError() (string, string, []string) {
	return e.Type, e.Message, e.Traceback
}

func (p *processPython) Call(ctx context.Context, c PythonCall) (json.RawMessage, error) {
	bridge, err := filepath.Abs("../pybridge/py")
	if err != nil {
		return nil, err
	}
	answer := filepath.Join(c.Dir, "answer.json")
	request, err := json.Marshal(map[string]any{
		"module": c.Module, "function": c.Function, "args": c.Args, "dir": c.Dir,
		"env": c.Env, "script": c.Script, "argv": c.Argv, "path": append([]string{bridge}, c.Path...), "answer": answer,
	})
	if err != nil {
		return nil, err
	}
	script, err := filepath.Abs("testdata/call.py")
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, p.python, "-B", script)
	cmd.Stdin = bytes.NewReader(request)
	out, err := cmd.CombinedOutput()
	if writeErr := os.WriteFile(c.LogFile, out, 0o644); err == nil {
		err = writeErr
	}
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	text, err := os.ReadFile(answer)
	if err != nil {
		return nil, err
	}
	var got struct {
		callError
		Result json.RawMessage
	}
	if err := json.Unmarshal(text, &got); err != nil {
		return nil, err
	}
	if got.Type != "" {
		return nil, &got.callError
	}
	for line := range strings.SplitSeq(strings.TrimSpace(string(out)), "\n") {
		c.Output(line)
	}
	return got.Result, nil
}
