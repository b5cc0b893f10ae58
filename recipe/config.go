package recipe

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"ftd/recipe/yamledit"
)

// configKind sets values in a mindformers YAML, and keeps the rest of it as it
// is: comments, order, anchors.
type configKind struct{}

func (configKind) Params() []Param {
	return []Param{
		{Name: "file", Type: File, Required: true, Doc: "a mindformers YAML, or " + builtinPrefix + "NAME for one that comes with ftd"},
		{Name: checkoutParam, Type: Dir, Doc: "the checkout that will read it, see train; its version chooses among the configs that come with ftd"},
		{Name: "set", Type: Values, Default: map[string]any{}, Path: namesInput, Doc: "PATH: VALUE, such as runner_config.epochs: 2; each path must be there"},
	}
}

// namesInput says of a path in a mindformers YAML whether its value names a file
// that is read.
func namesInput(key string) bool {
	last := key[strings.LastIndexByte(key, '.')+1:]
	return slices.Contains([]string{"load_checkpoint", "dataset_dir", "dataset_files", "vocab_file", "checkpoint_name_or_path"}, last)
}

func (configKind) Outputs() []string { return []string{"file"} }

func (k configKind) Plan(_ context.Context, s *StepContext) (Plan, error) {
	return Plan{Summary: "set values in " + s.text("file"), Inputs: inputs(k.Params(), s), Outputs: k.Outputs()}, nil
}

// Key does not count a checkout, only which config it makes us take.
func (k configKind) Key(ctx context.Context, s *StepContext) (string, error) {
	keyed := *s
	keyed.With = maps.Clone(s.With)
	keyed.With["file"] = findMindformers(s).laidOut(s.text("file"))
	delete(keyed.With, checkoutParam)
	return resultKey(ctx, &keyed, k.Params())
}

func (k configKind) Run(_ context.Context, s *StepContext) (map[string]string, error) {
	name := findMindformers(s).laidOut(s.text("file"))
	source, err := readSource(name)
	if err != nil {
		return nil, err
	}
	set, _ := s.With["set"].(map[string]any)
	edited, err := yamledit.Edit(source, set)
	if err != nil {
		return nil, &Problem{
			Code:    CodeInvalid,
			Message: fmt.Sprintf("the config %s cannot be set: %v", strings.TrimPrefix(name, builtinPrefix), err),
			Remedy:  `correct "set" in the step ` + s.Step.ID,
		}
	}
	file := filepath.Join(s.Dir, path.Base(name))
	s.Host.Output(s.Step.ID, fmt.Sprintf("%d values set in %s", len(set), strings.TrimPrefix(name, builtinPrefix)))
	return map[string]string{"file": file}, os.WriteFile(file, edited, 0o644)
}

func (configKind) Verify(_ context.Context, _ *StepContext, outputs map[string]string) error {
	text, err := os.ReadFile(outputs["file"])
	if err != nil {
		return err
	}
	_, err = yamledit.Edit(text, nil)
	return err
}
