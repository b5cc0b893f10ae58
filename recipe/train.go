package recipe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"ftd/launcher"
	"ftd/launcher/watchdog"
	"ftd/recipe/doctor"
)

// trainKind supervises a training: a command as it is, or mindformers with a
// config. It is the kind without a key: it always runs.
type trainKind struct{}

const outputDir = "output" // mindformers' own default

func (trainKind) Params() []Param {
	return []Param{
		{Name: "command", Type: Texts, Doc: "the command and its arguments; instead of config"},
		{Name: "dir", Type: Dir, Doc: "where the command runs; by default the attempt's own directory"},
		{Name: "config", Type: File, Doc: "a mindformers YAML; instead of command"},
		{Name: "mindformers", Type: Dir, Doc: "a checkout whose run_mindformer.py is used; by default the wheel is"},
		{Name: "run_mode", Type: Text, Default: "finetune", OneOf: []string{"train", "finetune"}, Doc: "as mindformers calls it"},
		{Name: "base", Type: File, Doc: "the checkpoint that the training must begin from, see WeightsMonitor in ftd_train"},
		{Name: "downloads", Type: Text, Default: "", Doc: "load_checkpoint of the config, for a plan: what mindformers downloads when the training begins, if it is a model's own name"},
		{Name: "download_size", Type: Integer, Least: new(int64(0)), Default: int64(0), Doc: "about how many bytes that is; 0: not known"},
		{Name: "workers", Type: Integer, Least: new(int64(1)), Default: int64(1), Doc: "processes of the training, one a card; more than one are started by msrun"},
		{Name: "cards", Type: Integer, Least: new(int64(0)), Doc: "accelerator cards it waits for; by default one for each worker, and none if the config says another device_target than Ascend"},
		{Name: "device", Type: Text, Default: "", Doc: "the device that the config will name, for a plan while it is not there; empty: not known"},
		{Name: "checkpoints", Type: Texts, Default: []string{outputDir}, Doc: "directories, relative to dir, in which checkpoints appear"},
		{Name: "doctor", Type: Text, Default: doctorOn, OneOf: []string{doctorOn, doctorOff}, Doc: "whether the doctor looks at the config first, and what it finds wrong fails the step"},
		{Name: "require_checkpoint", Type: Bool, Doc: "fail if no complete checkpoint is there at the end; by default for a config only"},
		{Name: "watchdogs", Type: Values, Check: checkWatchdogs, Doc: "what watches the training, and what it does, see below"},
		{Name: "restart", Type: Values, Check: checkRestart, Doc: "whether it is tried again after a failure, see below; by default it is not"},
		{Name: "retention", Type: Values, Check: checkRetention, Doc: "which checkpoints are kept, see below; by default all are"},
		{Name: "disk", Type: Values, Check: checkDisk, Doc: "what is done when the disk will not hold the checkpoints, see below"},
		{Name: "stop", Type: Values, Check: checkStop, Doc: "how long each way to end it is given, see below"},
		{Name: "resume", Type: Texts, Doc: "arguments that a command gets to go on from a checkpoint: {checkpoint} is its path, {step} its step"},
	}
}

// together implements what the checker asks of kinds whose parameters exclude
// each other. What a variable holds is not known yet: see [trainCommand].
func (trainKind) together(s *Step) *Problem {
	config, command := s.With["config"], s.With["command"]
	text, _ := config.(string)
	if (config == nil) != (command == nil) || command != nil && strings.Contains(text, "${") {
		return nil
	}
	return configOrCommand(s.ID)
}

func configOrCommand(step string) *Problem {
	return &Problem{
		Code:    CodeInvalid,
		Message: fmt.Sprintf("the step %s must have a config or a command, and not both", step),
		Remedy:  "give one of the two",
	}
}

func (trainKind) Outputs() []string { return []string{"dir", "log", "checkpoint"} }

func (k trainKind) Plan(_ context.Context, s *StepContext) (Plan, error) {
	if strings.Contains(s.text("config")+s.text(checkoutParam), unmadeBegin) {
		device := s.text("device")
		plan := Plan{Summary: byConfig(s, device), Inputs: inputs(k.Params(), s), Outputs: k.Outputs()}
		downloads(s, &plan)
		if device == ascend {
			want, err := cardsWanted(s)
			plan.Cards = want.Count
			return plan, err
		}
		return plan, nil
	}
	command, err := trainCommand(s)
	if err != nil {
		return Plan{}, err
	}
	if _, _, err := supervision(s); err != nil {
		return Plan{}, err
	}
	if _, err := keepingOf(s); err != nil {
		return Plan{}, err
	}
	n, err := workers(s)
	if err != nil {
		return Plan{}, err
	}
	target, known := deviceTarget(s)
	words := make([]string, len(command))
	for i, word := range command {
		words[i] = doctor.Quoted(word)
	}
	summary := "train: " + strings.Join(words, " ")
	if s.text("config") != "" {
		summary = byConfig(s, cmp.Or(target, s.text("device")))
	}
	if n > 1 {
		summary += fmt.Sprintf(", in %d processes, by msrun", n)
	}
	want, err := cardsWanted(s)
	if !known {
		want.Count = 0
	}
	plan := Plan{Summary: summary, Inputs: inputs(k.Params(), s), Outputs: k.Outputs(), Cards: want.Count}
	downloads(s, &plan)
	return plan, err
}

// byConfig says who trains by which config, and on which device.
func byConfig(s *StepContext, device string) string {
	who := "mindformers"
	if checkout := s.text(checkoutParam); checkout != "" && !strings.Contains(checkout, unmadeBegin) {
		who = filepath.Join(checkout, "run_mindformer.py")
	}
	return fmt.Sprintf("train with %s by the config %s, on %s", who, s.text("config"), cmp.Or(device, "the device that it names"))
}

func (trainKind) Key(context.Context, *StepContext) (string, error) { return "", nil }

func (k trainKind) Run(ctx context.Context, s *StepContext) (map[string]string, error) {
	dogs, policy, err := supervision(s)
	if err != nil {
		return nil, err
	}
	keep, err := keepingOf(s)
	if err != nil {
		return nil, err
	}
	recallCures(s)
	run, err := adopt(s)
	if run == nil && err == nil {
		run, err = k.launch(ctx, s, policy, keep)
	}
	if err != nil {
		return nil, err
	}
	if err := s.Host.AttemptStarted(ctx, s.Attempt.ID, run.Shim()); err != nil {
		// What nobody knows of must not go on.
		_, stopErr := run.Stop(context.WithoutCancel(ctx), launcher.DefaultLadder(), nil)
		return nil, errors.Join(err, stopErr)
	}
	status, err := supervise(ctx, s, run, newWatch(s, run, dogs, newKeeper(s, run.Spec(), keep)))
	if status.State == launcher.StateExited {
		s.exit = &status.Exit
	}
	if err == nil && errors.Is(context.Cause(ctx), ErrStop) {
		awaitCards(ctx, s)
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
	newest, err := newestCheckpoint(ctx, run, ranksOf(s))
	return map[string]string{"dir": run.Spec().Dir, "log": mainLog(run), "checkpoint": newest}, err
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

func checkWatchdogs(with map[string]any) error {
	_, err := watchdog.Parse(with)
	return err
}

func checkRestart(with map[string]any) error {
	_, err := parseRestarts(with)
	return err
}
