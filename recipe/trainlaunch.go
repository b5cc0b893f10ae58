package recipe

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"ftd/launcher"
	"ftd/logparse"
)

// spec says what is to be run, on which cards.
func (trainKind) spec(ctx context.Context, s *StepContext, cards []int) (launcher.Spec, error) {
	spec := launcher.Spec{
		Run:         s.Job + "/" + s.Attempt.ID,
		Dir:         s.text("dir"),
		Log:         logparse.RankLog(0),
		Checkpoints: s.texts("checkpoints"),
	}
	if spec.Dir == "" {
		spec.Dir = s.Attempt.Dir
	}
	n, err := workers(s)
	if err != nil {
		return spec, err
	}
	if spec.Command, err = trainCommand(s); err != nil {
		return spec, err
	}
	extra := map[string]string{}
	maps.Copy(extra, s.Env)
	cardsEnv(s, cards, extra)
	pythonPath(s, extra)
	if s.text("config") != "" {
		mindformersEnv(s, extra)
		downloadEnv(s, extra)
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
	for _, cure := range s.cures {
		spec.Env = cure.Apply(spec.Env)
	}
	if n > 1 {
		err = distribute(ctx, s, &spec, n)
	}
	return spec, err
}

// trainCommand is the command as it is given, or what runs the config: ftd's
// own entry, which makes ftd's classes known, and then runs the checkout's
// run_mindformer.py, or does the same for a wheel.
func trainCommand(s *StepContext) ([]string, error) {
	command, config := s.texts("command"), s.text("config")
	if (config == "") == (len(command) == 0) {
		return nil, configOrCommand(s.Step.ID)
	}
	if config == "" {
		return command, refuseLauncher(command)
	}
	mode := "--run_mode=" + s.text("run_mode")
	line := []string{s.Settings.Python, "-m", "ftd_train"}
	checkout := s.text(checkoutParam)
	if checkout == "" {
		return append(line, "--config="+config, mode), nil
	}
	script := filepath.Join(checkout, "run_mindformer.py")
	if _, err := os.Stat(script); err != nil {
		return nil, &Problem{
			Code:    CodeInvalid,
			Message: fmt.Sprintf("%s is not a checkout of mindformers: it holds no run_mindformer.py", checkout),
			Remedy:  "give the directory of a checkout, or leave mindformers: out to use the installed wheel",
		}
	}
	return append(line, "--script="+script, "--config="+config, mode), nil
}

// launch starts the training: from the beginning, or where an earlier attempt
// has come to.
func (k trainKind) launch(ctx context.Context, s *StepContext, policy restarts, keep keeping) (*launcher.Run, error) {
	if _, err := trainCommand(s); err != nil { // before it waits for cards
		return nil, err
	}
	if err := gate(ctx, s); err != nil {
		return nil, err
	}
	cards, err := takeCards(ctx, s)
	if err != nil {
		return nil, err
	}
	spec, err := k.spec(ctx, s, cards)
	if err != nil {
		return nil, err
	}
	if s.Attempt.Number > 1 && (policy.budget > 0 || s.earlier > 0) {
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
	if err := newKeeper(s, spec, keep).beforeLaunch(ctx, spec); err != nil {
		return nil, err
	}
	keepCures(s)
	dropHalves(ctx, s)
	run, err := launcher.Launch(ctx, s.Attempt.Dir, spec, s.Settings.Shim)
	if err != nil && run != nil {
		if status, statusErr := run.Status(); statusErr == nil && status.State == launcher.StateExited {
			s.exit = &status.Exit
		}
	}
	return run, err
}
