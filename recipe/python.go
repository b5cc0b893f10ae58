package recipe

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// pythonKind is a kind of step whose work is one Python function of ftd_steps.
// The function takes the parameters and output_dir as keyword arguments, and
// returns a map with all outputs.
type pythonKind struct {
	module, function string
	summary          string
	params           []Param
	// outputs are the names of what the function returns; files are those
	// among them that are paths of files or directories.
	outputs, files []string
	// takes estimates the bytes of disk and memory that it needs; nil if they are
	// next to nothing.
	takes func(s *StepContext) (disk, memory int64)
	// verify is an additional look at the result; nil if there is none.
	verify func(ctx context.Context, s *StepContext, outputs map[string]string) error
}

func (k pythonKind) Params() []Param   { return k.params }
func (k pythonKind) Outputs() []string { return k.outputs }

func (k pythonKind) Plan(_ context.Context, s *StepContext) (Plan, error) {
	plan := Plan{Summary: k.summary, Inputs: inputs(k.params, s), Outputs: k.outputs}
	if k.takes != nil {
		plan.Disk, plan.Memory = k.takes(s)
	}
	return plan, nil
}

func (k pythonKind) Key(ctx context.Context, s *StepContext) (string, error) {
	return resultKey(ctx, s, k.params)
}

func (k pythonKind) Run(ctx context.Context, s *StepContext) (map[string]string, error) {
	args := map[string]any{"output_dir": s.Dir}
	for name, v := range s.With {
		args[name] = v
	}
	result, err := callPython(ctx, s, k.module, k.function, args, nil)
	if err != nil {
		return nil, err
	}
	var values map[string]any
	if err := json.Unmarshal(result, &values); err != nil {
		return nil, fmt.Errorf("%s.%s returned no map: %w", k.module, k.function, err)
	}
	outputs := make(map[string]string, len(values))
	for name, v := range values {
		outputs[name] = outputText(v)
	}
	return outputs, nil
}

// callPython calls a function with keyword arguments in the attempt's
// directory; what it prints goes to the step's log.
func callPython(ctx context.Context, s *StepContext, module, function string, args map[string]any, path []string) (json.RawMessage, error) {
	text, err := json.Marshal(args)
	if err != nil {
		return nil, err
	}
	call := pythonCall(s, path)
	call.Module, call.Function, call.Args = module, function, text
	return s.python().Call(ctx, call)
}

// pythonCall is a call with the surroundings of a step, of nothing yet.
func pythonCall(s *StepContext, path []string) PythonCall {
	return PythonCall{
		Path:     append(path, s.Settings.Library),
		Dir:      s.Attempt.Dir,
		Env:      s.Env,
		LogFile:  filepath.Join(s.Attempt.Dir, StepLog),
		Isolated: s.Attempt.Isolate || s.Step.Isolation == IsolationWorker,
		Progress: func(done, total int64, note string) { s.Host.Progress(s.Step.ID, done, total, note) },
		Output:   func(line string) { s.Host.Output(s.Step.ID, line) },
	}
}

// outputText writes a JSON value as ${...} shall give it.
func outputText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

func (k pythonKind) Verify(ctx context.Context, s *StepContext, outputs map[string]string) error {
	for _, name := range k.outputs {
		if _, ok := outputs[name]; !ok {
			return fmt.Errorf("the output %q is missing", name)
		}
	}
	for _, name := range k.files {
		info, err := os.Stat(outputs[name])
		if err != nil {
			return err
		}
		if !info.IsDir() && info.Size() == 0 {
			return fmt.Errorf("%s is empty", outputs[name])
		}
	}
	if k.verify == nil {
		return nil
	}
	return k.verify(ctx, s, outputs)
}

// inputs lists the files that a step reads.
func inputs(params []Param, s *StepContext) []string {
	var paths []string
	for _, p := range params {
		if path := s.text(p.Name); path != "" && (p.Type == File || p.Type == Dir) {
			paths = append(paths, path)
		}
	}
	return paths
}
