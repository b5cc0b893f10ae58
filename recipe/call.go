package recipe

import (
	"context"
	"encoding/json"
	"slices"
)

// callKind calls a function of the Python environment, or of the user's own
// modules. What it does is not known, so it always runs.
type callKind struct{}

func (callKind) Params() []Param {
	return []Param{
		{Name: "module", Type: Text, Required: true, Doc: "the module to import"},
		{Name: "function", Type: Text, Required: true, Doc: "its function; may be dotted: Class.method"},
		{Name: "args", Type: Values, Default: map[string]any{}, Doc: "keyword arguments; a variable's value is a text"},
		{Name: "path", Type: Texts, Default: []string{}, Doc: "directories in which modules are looked for first"},
	}
}

func (callKind) Outputs() []string { return []string{"result"} }

func (k callKind) Plan(_ context.Context, s *StepContext) (Plan, error) {
	return Plan{Summary: "call " + s.text("module") + "." + s.text("function"), Outputs: k.Outputs()}, nil
}

func (callKind) Key(context.Context, *StepContext) (string, error) { return "", nil }

func (callKind) Run(ctx context.Context, s *StepContext) (map[string]string, error) {
	args, _ := s.With["args"].(map[string]any)
	result, err := callPython(ctx, s, s.text("module"), s.text("function"), args, slices.Clone(s.texts("path")))
	if err != nil {
		return nil, err
	}
	var text string // a text is given on without its quotes
	if json.Unmarshal(result, &text) != nil {
		text = string(result)
	}
	return map[string]string{"result": text}, nil
}

func (callKind) Verify(context.Context, *StepContext, map[string]string) error { return nil }
