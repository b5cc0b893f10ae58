package recipe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// scriptKind runs a Python file as a person would, python FILE ARGS: the
// converters and preprocessors of a mindformers checkout are such files. What
// a script does is not known, so it always runs.
type scriptKind struct{}

func (scriptKind) Params() []Param {
	return []Param{
		{Name: "file", Type: File, Required: true, Doc: "the script; its own directory is searched for modules first"},
		{Name: "args", Type: Texts, Default: []string{}, Doc: "its arguments; a relative path is one in the attempt's directory"},
		{Name: "path", Type: Texts, Default: []string{}, Doc: "directories in which modules are looked for next, such as a checkout"},
		{Name: "creates", Type: Texts, Default: []string{}, Doc: "files that it must have written at the end; if it fails, those that are empty are removed"},
	}
}

func (scriptKind) Outputs() []string { return []string{"dir"} }

func (k scriptKind) Plan(_ context.Context, s *StepContext) (Plan, error) {
	return Plan{Summary: "run " + s.text("file"), Inputs: inputs(k.Params(), s), Outputs: k.Outputs()}, nil
}

func (scriptKind) Key(context.Context, *StepContext) (string, error) { return "", nil }

func (k scriptKind) Run(ctx context.Context, s *StepContext) (map[string]string, error) {
	file := s.text("file")
	if info, err := os.Stat(file); err != nil || info.IsDir() {
		return nil, &Problem{
			Code: CodeData, Message: fmt.Sprintf("there is no script %s", file), Remedy: "check the path; in a checkout, its branch too",
		}
	}
	k.sweep(s)
	call := pythonCall(s, slices.Clone(s.texts("path")))
	call.Script, call.Argv = file, s.texts("args")
	result, err := s.python().Call(ctx, call)
	var status int
	if err == nil {
		err = json.Unmarshal(result, &status)
	}
	if err == nil && status != 0 {
		err = exited(ctx, s, status)
	}
	if err != nil {
		k.sweep(s)
		return nil, err
	}
	return map[string]string{"dir": s.Attempt.Dir}, nil
}

// exited is the problem of a script that ended with a status; why, its log tells.
func exited(ctx context.Context, s *StepContext, status int) *Problem {
	ended := fmt.Sprintf("the step %s: %s ended with status %d", s.Step.ID, filepath.Base(s.text("file")), status)
	p, _ := diagnose(ctx, filepath.Join(s.Attempt.Dir, StepLog), ended, s.Settings.reading()...)
	if p.Code == CodeTrainingFailed {
		p.Code, p.Remedy = CodeStep, "look at the step's log"
	}
	return p
}

// Verify looks whether all files that the script is to create are there.
func (k scriptKind) Verify(_ context.Context, s *StepContext, _ map[string]string) error {
	for _, path := range k.creates(s) {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("the script ended well, but %s is not there", path)
		case err != nil:
			return err
		case !info.IsDir() && info.Size() == 0:
			return fmt.Errorf("the script ended well, but %s is empty", path)
		}
	}
	return nil
}

func (scriptKind) creates(s *StepContext) []string {
	var paths []string
	for _, path := range s.texts("creates") {
		paths = append(paths, absolute(path, s.Attempt.Dir))
	}
	return paths
}

// sweep removes the empty files that a script left which was to create them: a
// MindRecord writer opens its file before it looks at its input, and refuses
// to write over what is there.
func (k scriptKind) sweep(s *StepContext) {
	for _, path := range k.creates(s) {
		info, err := os.Stat(path)
		if err != nil || info.IsDir() || info.Size() > 0 {
			continue
		}
		for _, leftover := range []string{path, path + ".db"} {
			if err := os.Remove(leftover); err == nil {
				s.Host.Output(s.Step.ID, "removed the empty file of an earlier try: "+leftover)
			}
		}
	}
}
