package recipe

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// shellKind runs a command of the user's. What it does is known only if it says
// what it reads and makes: then its result is kept, as that of any other step.
type shellKind struct{}

func (shellKind) Params() []Param {
	return []Param{
		{Name: "run", Type: Text, Required: true, Doc: "the command, for bash; the first part that fails ends it"},
		{Name: "inputs", Type: Texts, Default: []string{}, Doc: "files and directories that the result depends on (absolute)"},
		{Name: "outputs", Type: Texts, Default: []string{}, Doc: "what it makes in its working directory, which is the result then; without them it runs in the job's directory, and always"},
	}
}

func (shellKind) Outputs() []string { return []string{"dir"} }

func (k shellKind) Plan(_ context.Context, s *StepContext) (Plan, error) {
	return Plan{Summary: "run " + s.text("run"), Inputs: s.texts("inputs"), Outputs: k.Outputs()}, nil
}

func (k shellKind) Key(ctx context.Context, s *StepContext) (string, error) {
	if len(s.texts("outputs")) == 0 {
		return "", nil
	}
	h := sha256.New()
	if err := hashParameters(ctx, h, s, k.Params()); err != nil {
		return "", err
	}
	for _, name := range sorted(s.Env) {
		fmt.Fprintf(h, "env %q = %q\n", name, s.Env[name])
	}
	for _, path := range s.texts("inputs") {
		fmt.Fprintf(h, "%q\n", path)
		if err := hashPath(ctx, s.Host.Results(), h, path); err != nil {
			return "", inputProblem(Param{Name: "inputs", Type: File}, path, err)
		}
	}
	return digest(h), nil
}

func (k shellKind) Run(ctx context.Context, s *StepContext) (map[string]string, error) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		return nil, &Problem{Code: CodeCommandNotFound, Message: "there is no bash, which the step " + s.Step.ID + " needs", Remedy: "install bash"}
	}
	dir := s.Dir
	if len(s.texts("outputs")) == 0 {
		dir = s.JobDir
	}
	p := subprocess{
		name: "shell", command: []string{bash, "-e", "-o", "pipefail", "-c", s.text("run")}, dir: dir,
		survives: len(s.texts("outputs")) == 0, // else its directory goes with the attempt
	}
	return map[string]string{"dir": dir}, p.succeeded(ctx, s, "the command")
}

func (shellKind) Verify(_ context.Context, s *StepContext, outputs map[string]string) error {
	for _, name := range s.texts("outputs") {
		if !filepath.IsLocal(name) {
			return &Problem{Code: CodeInvalid, Message: fmt.Sprintf("the output %q of the step %s is not in its directory", name, s.Step.ID), Remedy: "give a path relative to the working directory"}
		}
		if _, err := os.Stat(filepath.Join(outputs["dir"], name)); err != nil {
			return fmt.Errorf("the command ended well, but %s is not there", name)
		}
	}
	return nil
}
