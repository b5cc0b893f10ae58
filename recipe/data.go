package recipe

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// dataKind brings the data to where the other steps find it: a file of the
// user's stays where it is, one that comes with ftd is written out.
type dataKind struct{}

func (dataKind) Params() []Param {
	return []Param{{
		Name: "source", Type: File, Required: true,
		Doc: "a file, or " + builtinPrefix + "NAME for one that comes with ftd",
	}}
}

func (dataKind) Outputs() []string { return []string{"file"} }

func (k dataKind) Plan(_ context.Context, s *StepContext) (Plan, error) {
	return Plan{Summary: "use " + s.text("source"), Inputs: []string{s.text("source")}, Outputs: k.Outputs()}, nil
}

func (k dataKind) Key(ctx context.Context, s *StepContext) (string, error) {
	return resultKey(ctx, s, k.Params())
}

func (dataKind) Run(_ context.Context, s *StepContext) (map[string]string, error) {
	source := s.text("source")
	if !strings.HasPrefix(source, builtinPrefix) {
		return map[string]string{"file": source}, nil
	}
	data, err := readSource(source)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(s.Dir, filepath.Base(source))
	return map[string]string{"file": path}, os.WriteFile(path, data, 0o644)
}

func (dataKind) Verify(_ context.Context, _ *StepContext, outputs map[string]string) error {
	info, err := os.Stat(outputs["file"])
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", outputs["file"])
	}
	f, err := os.Open(outputs["file"]) // may it be read?
	if err != nil {
		return err
	}
	return f.Close()
}
