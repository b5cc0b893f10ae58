package recipe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"ftd/launcher"
	"ftd/launcher/watchdog"
)

// trainKind supervises a training: a command as it is, or mindformers with a
// config. It is the kind without a key: it always runs.
type trainKind struct{}

const (
	trainingLog = "rank_0.log"
	outputDir   = "output" // mindformers' own default
)

func (trainKind) Params() []Param {
	return []Param{
		{Name: "command", Type: Texts, Doc: "the command and its arguments; instead of config"},
		{Name: "dir", Type: Dir, Doc: "where the command runs; by default the attempt's own directory"},
		{Name: "config", Type: File, Doc: "a mindformers YAML; instead of command"},
		{Name: "mindformers", Type: Dir, Doc: "a checkout whose run_mindformer.py is used; by default the wheel is"},
		{Name: "run_mode", Type: Text, Default: "finetune", OneOf: []string{"train", "finetune"}, Doc: "as mindformers calls it"},
		{Name: "base", Type: File, Doc: "the checkpoint that the training must begin from, see WeightsMonitor in ftd_train"},
		{Name: "checkpoints", Type: Texts, Default: []string{outputDir}, Doc: "directories, relative to dir, in which checkpoints appear"},
		{Name: "require_checkpoint", Type: Bool, Doc: "fail if no complete checkpoint is there at the end; by default for a config only"},
		{Name: "watchdogs", Type: Values, Check: checkWatchdogs, Doc: "what watches the training, and what it does, see below"},
		{Name: "restart", Type: Values, Check: checkRestart, Doc: "whether it is tried again after a failure, see below; by default it is not"},
		{Name: "resume", Type: Texts, Doc: "arguments that a command gets to go on from a checkpoint: {checkpoint} is its path, {step} its step"},
	}
}

func (trainKind) Outputs() []string { return []string{"dir", "log", "checkpoint"} }

func (k trainKind) Plan(_ context.Context, s *StepContext) (Plan, error) {
	command, err := trainCommand(s)
	if err != nil {
		return Plan{}, err
	}
	if _, _, err := supervision(s); err != nil {
		return Plan{}, err
	}
	return Plan{Summary: fmt.Sprintf("train: %q", command), Inputs: inputs(k.Params(), s), Outputs: k.Outputs()}, nil
}

func (trainKind) Key(context.Context, *StepContext) (string, error) { return "", nil }

func (k trainKind) Run(ctx context.Context, s *StepContext) (map[string]string, error) {
	dogs, policy, err := supervision(s)
	if err != nil {
		return nil, err
	}
	run, err := adopt(s)
	if run == nil && err == nil {
		run, err = k.launch(ctx, s, policy)
	}
	if err != nil {
		return nil, err
	}
	if err := s.Host.AttemptStarted(ctx, s.Attempt.ID, run.Shim()); err != nil {
		// What nobody knows of must not go on.
		_, stopErr := run.Stop(context.WithoutCancel(ctx), launcher.DefaultLadder(), nil)
		return nil, errors.Join(err, stopErr)
	}
	status, err := supervise(ctx, s, run, newWatch(s, run, dogs))
	if status.State == launcher.StateExited {
		s.exit = &status.Exit
	}
	if err == nil && errors.Is(context.Cause(ctx), ErrStop) {
		return nil, ErrStop
	}
	if err == nil {
		err = verdict(ctx, s, run, status)
	}
	var p *Problem
	switch {
	case errors.As(err, &p):
		return nil, policy.again(ctx, s, p)
	case err != nil:
		return nil, err
	}
	newest, err := newestCheckpoint(ctx, run.Spec(), run.Shim().Started)
	return map[string]string{"dir": run.Spec().Dir, "log": run.Log(), "checkpoint": newest}, err
}

// Verify implements [Kind]: the training began from the weights it was given,
// and left a checkpoint.
func (trainKind) Verify(_ context.Context, s *StepContext, outputs map[string]string) error {
	if base := begunFrom(s); base != "" {
		if err := checkWeights(s.Attempt.Dir, base); err != nil {
			return err
		}
	}
	required, given := s.With["require_checkpoint"].(bool)
	if !given {
		required = s.text("config") != ""
	}
	if required && outputs["checkpoint"] == "" {
		return &Problem{
			Code:    CodeCheckpointBroken,
			Message: fmt.Sprintf("the training ended without a complete checkpoint in %v", s.texts("checkpoints")),
			Remedy:  "let it save one (CheckpointMonitor, save_checkpoint_steps), or name the directory in checkpoints:",
			Source:  outputs["log"],
		}
	}
	return nil
}

// spec says what is to be run.
func (trainKind) spec(ctx context.Context, s *StepContext) (launcher.Spec, error) {
	spec := launcher.Spec{
		Run:         s.Job + "/" + s.Attempt.ID,
		Dir:         s.text("dir"),
		Log:         trainingLog,
		Checkpoints: s.texts("checkpoints"),
	}
	if spec.Dir == "" {
		spec.Dir = s.Attempt.Dir
	}
	var err error
	if spec.Command, err = trainCommand(s); err != nil {
		return spec, err
	}
	extra := map[string]string{}
	maps.Copy(extra, s.Env)
	pythonPath(s, extra)
	if s.text("config") != "" {
		mindformersEnv(s, extra)
	}
	env, err := launcher.BuildEnvironment(ctx, launcher.EnvRequest{
		Prefix:  s.Settings.Env,
		Start:   s.Settings.Start,
		Scripts: launcher.ActivationScripts(s.Settings.Env, s.Settings.Start),
		Extra:   extra,
	})
	if err != nil {
		return spec, err
	}
	for _, warning := range env.Warnings {
		s.Host.Output(s.Step.ID, warning)
	}
	spec.Env = env.Environ()
	if s.change != nil {
		spec.Env = s.change.Apply(spec.Env)
	}
	return spec, nil
}

// trainCommand is the command as it is given, or what runs the config: a
// checkout's run_mindformer.py, or ftd's own entry, which does the same for a
// wheel.
func trainCommand(s *StepContext) ([]string, error) {
	command, config := s.texts("command"), s.text("config")
	if (config == "") == (len(command) == 0) {
		return nil, &Problem{
			Code:    CodeInvalid,
			Message: fmt.Sprintf("the step %s must have a config or a command, and not both", s.Step.ID),
			Remedy:  "give one of the two",
		}
	}
	if config == "" {
		return command, nil
	}
	mode := "--run_mode=" + s.text("run_mode")
	checkout := s.text("mindformers")
	if checkout == "" {
		return []string{s.Settings.Python, "-m", "ftd_train", "--config=" + config, mode}, nil
	}
	script := filepath.Join(checkout, "run_mindformer.py")
	if _, err := os.Stat(script); err != nil {
		return nil, &Problem{
			Code:    CodeInvalid,
			Message: fmt.Sprintf("%s is no checkout of mindformers: it holds no run_mindformer.py", checkout),
			Remedy:  "give the directory of a checkout, or leave mindformers: out to use the installed wheel",
		}
	}
	return []string{s.Settings.Python, script, "--config=" + config, mode}, nil
}

// pythonPath puts what ftd brings along before what the user has: the module
// that answers for stacks, and for a config what mindformers is to import.
func pythonPath(s *StepContext, extra map[string]string) {
	path, given := extra["PYTHONPATH"]
	if !given {
		path = environ(s.Settings.Start, "PYTHONPATH")
	}
	dirs := []string{filepath.Join(s.Settings.Library, "ftd_site")}
	if s.text("config") != "" {
		dirs = append(dirs, s.Settings.Library)
	}
	if path != "" { // an empty entry would be the working directory
		dirs = append(dirs, path)
	}
	extra["PYTHONPATH"] = strings.Join(dirs, string(filepath.ListSeparator))
}

// mindformersEnv lets mindformers find what a config names of ftd.
func mindformersEnv(s *StepContext, extra map[string]string) {
	for name, value := range map[string]string{
		"REGISTER_PATH": filepath.Join(s.Settings.Library, "ftd_train"),
		// mindformers copies registered modules; by default into ./modules, or
		// into the home directory if openmind_hub is there.
		"OM_MODULES_CACHE": filepath.Join(s.Attempt.Dir, "modules"),
	} {
		if _, given := extra[name]; !given {
			extra[name] = value
		}
	}
}

// adopt returns the training that an earlier program launched in this attempt,
// nil if there is none.
func adopt(s *StepContext) (*launcher.Run, error) {
	if !s.Attempt.Resumed {
		return nil, nil //nolint:nilnil // none is no error
	}
	run, err := launcher.Open(s.Attempt.Dir)
	if errors.Is(err, fs.ErrNotExist) { // nothing was written: not launched
		return nil, nil //nolint:nilnil // none is no error
	}
	if err != nil {
		return nil, err
	}
	status, err := run.Status()
	if err == nil && status.State == launcher.StateLost && run.Shim().PID == 0 {
		return nil, nil //nolint:nilnil // none is no error
	}
	return run, err
}

// launch starts the training: from the beginning, or where an earlier attempt
// has come to.
func (k trainKind) launch(ctx context.Context, s *StepContext, policy restarts) (*launcher.Run, error) {
	spec, err := k.spec(ctx, s)
	if err != nil {
		return nil, err
	}
	if s.Attempt.Number > 1 && policy.budget > 0 {
		point, err := findResumePoint(ctx, s)
		if err != nil {
			return nil, err
		}
		if point != nil {
			spec.Command = append(spec.Command, point.arguments(s)...)
			spec.Env = append(spec.Env, resumedVariable+"="+point.path)
			s.Host.Output(s.Step.ID, fmt.Sprintf("going on after step %d: %s", point.step, point.path))
		}
	}
	run, err := launcher.Launch(ctx, s.Attempt.Dir, spec, s.Settings.Shim)
	if err != nil && run != nil {
		if status, statusErr := run.Status(); statusErr == nil && status.State == launcher.StateExited {
			s.exit = &status.Exit
		}
	}
	return run, err
}

func checkWatchdogs(with map[string]any) error {
	_, err := watchdog.Parse(with)
	return err
}

func checkRestart(with map[string]any) error {
	_, err := parseRestarts(with)
	return err
}

// environ looks a variable up among NAME=VALUE entries.
func environ(entries []string, name string) string {
	for _, entry := range entries {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}
