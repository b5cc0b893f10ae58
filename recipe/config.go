package recipe

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// configKind sets values in a mindformers YAML, and keeps the rest of it as it
// is: comments, order, anchors.
type configKind struct{}

func (configKind) Params() []Param {
	return []Param{
		{Name: "file", Type: File, Required: true, Doc: "a mindformers YAML, or " + builtinPrefix + "NAME for one that comes with ftd"},
		{Name: "set", Type: Values, Default: map[string]any{}, Doc: "PATH: VALUE, such as runner_config.epochs: 2; each path must be there"},
	}
}

func (configKind) Outputs() []string { return []string{"file"} }

func (k configKind) Plan(_ context.Context, s *StepContext) (Plan, error) {
	return Plan{Summary: "set values in " + s.text("file"), Inputs: inputs(k.Params(), s), Outputs: k.Outputs()}, nil
}

func (k configKind) Key(_ context.Context, s *StepContext) (string, error) {
	return resultKey(s, k.Params())
}

func (k configKind) Run(_ context.Context, s *StepContext) (map[string]string, error) {
	name := s.text("file")
	source, err := readSource(name)
	if err != nil {
		return nil, err
	}
	set, _ := s.With["set"].(map[string]any)
	edited, err := editYAML(source, set)
	if err != nil {
		return nil, &Problem{
			Code:    CodeInvalid,
			Message: fmt.Sprintf("the config %s cannot be set: %v", strings.TrimPrefix(name, builtinPrefix), err),
			Remedy:  `correct "set" in the step ` + s.Step.ID,
		}
	}
	file := filepath.Join(s.Dir, path.Base(name))
	s.Host.Output(s.Step.ID, fmt.Sprintf("%d values set in %s", len(set), path.Base(name)))
	return map[string]string{"file": file}, os.WriteFile(file, edited, 0o644)
}

func (configKind) Verify(_ context.Context, _ *StepContext, outputs map[string]string) error {
	text, err := os.ReadFile(outputs["file"])
	if err != nil {
		return err
	}
	_, err = editYAML(text, nil)
	return err
}
