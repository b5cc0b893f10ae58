package logparse

import (
	"cmp"
	"time"
)

// Kind says which part of a [Record] is filled in.
type Kind uint8

// The kinds of records.
const (
	KindStep     Kind = iota + 1 // a training step: Record.Step
	KindEpoch                    // the end of an epoch or of a sink: Record.Epoch
	KindProgress                 // the line with bar, samples/s and time left: Record.Progress
	KindState                    // a TrainingStateMonitor metric: Record.State
	KindPhase                    // what the program says it does now: Record.Phase
	KindSave                     // a checkpoint begins or is finished: Record.Save
	KindProblem                  // an error signature: Record.Problem
	KindEnd                      // the training says that it is over: "Training Over!"
	KindSetting                  // a number of the configuration that the program dumps: Record.Setting
)

// Record is one thing a log said. The parser reuses one Record for all: keep
// a copy, never the pointer. Only the part named by Kind is meaningful.
type Record struct {
	Kind Kind
	// Offset is where the line begins in its file, in bytes; Line counts from 1.
	Offset int64
	Line   int64
	// Time is the line's own clock (local time of the writer, without a zone),
	// zero where the line has none.
	Time time.Time

	Step     Step
	Epoch    Epoch
	Progress Progress
	State    State
	Phase    Phase
	Save     Save
	Problem  Problem
	Setting  Setting
}

// Number is a value that a log may leave out, print as "None", or print as
// something that is not finite.
type Number struct {
	Value float64
	// Known is false where the log gave no number.
	Known bool
}

// Step is a step line of any of the formats F0 to F6, or of LossMonitor.
type Step struct {
	Format        Format
	Epoch, Epochs int64 // 0 where not printed (F6; Epochs also by LossMonitor)
	Step, Total   int64 // within the epoch; Total is 0 where not printed
	Loss          float64
	// NoLoss is set where the log has no number for the loss; Loss is NaN then.
	NoLoss      bool
	fromZero    bool    // epochs are counted from zero, in a format that counts from one
	MeanLoss    Number  // the second number of loss:[a/b]
	StepMS      float64 // 0 where not printed
	LR          Number
	Overflow    Tristate
	LossScale   Number
	GlobalNorm  Number
	Throughput  Number // train_throughput_per_npu, in TFLOP/s
	LMLoss      Number
	BalanceLoss Number
	MTPLoss     Number
	KLLoss      Number // of a distillation, r1.7.0-beta1

	perEpoch int64 // the steps of an epoch where Total is not printed, if they are known
}

// GlobalStep is the step counted over all epochs. mindformers restarts the
// step at 1 in every epoch, as MindSpore does; F0 counts epochs from zero.
// LossMonitor does not print how many steps an epoch has: they are taken from
// the lines before, and as long as these do not tell, the step is that printed.
func (s *Step) GlobalStep() int64 {
	if s.Format == FormatF0 {
		return s.Epoch*s.Total + s.Step
	}
	total, epoch := cmp.Or(s.Total, s.perEpoch), s.Epoch
	if s.fromZero {
		epoch++
	}
	if epoch <= 1 || total == 0 {
		return s.Step
	}
	return (epoch-1)*total + s.Step
}

// Format is the shape of a step line, by the mindformers versions that print it.
type Format uint8

// The formats. Which one a line has is decided by its fields, so a format
// names the oldest version that could have printed it.
const (
	FormatOther       Format = iota
	FormatF0                 // r0.2: time in ms, no overflow
	FormatF1                 // r0.3, r0.6: with overflow and loss scale
	FormatF2                 // r0.7 to r1.2: "{ ", per_step_time, progress on the next line
	FormatF3                 // r1.3: with global_norm
	FormatF4                 // r1.5, r1.6: may have train_throughput_per_npu
	FormatF5                 // r1.7 on: six decimals, lm_loss and others
	FormatF6                 // r1.9 on, pynative: no epoch
	FormatLossMonitor        // MindSpore's own callback
)

// String returns "f0" to "f6", "loss-monitor" or "other".
func (f Format) String() string {
	names := [...]string{"other", "f0", "f1", "f2", "f3", "f4", "f5", "f6", "loss-monitor"}
	if int(f) < len(names) {
		return names[f]
	}
	return names[0]
}

// Tristate is a truth value that a log may leave out.
type Tristate uint8

// The values of a Tristate.
const (
	Unknown Tristate = iota
	False
	True
)

// Epoch is the line that ends an epoch (or a sink, in mindformers r0.6).
type Epoch struct {
	MS, StepMS float64 // StepMS is 0 where the line has none
	// MeanLoss is NaN where the line has none (MindSpore's TimeMonitor).
	MeanLoss float64
	// Eval is set where the time is that of an evaluation.
	Eval bool
}

// Progress is the record that follows a step line from r0.7 on.
type Progress struct {
	Percent       float64
	SamplesPerSec float64
	SecondsLeft   float64 // may be negative
}

// State is a metric of the TrainingStateMonitor.
type State struct {
	Epoch, Epochs, Step, Total int64
	Tag, Value                 string
}

// Phase is what a training is doing.
type Phase string

// The phases, by the words of package api.
const (
	PhaseStarting   Phase = "starting"
	PhaseLoading    Phase = "loading"
	PhaseCompiling  Phase = "compiling"
	PhaseTraining   Phase = "training"
	PhaseEvaluating Phase = "evaluating"
	PhaseSaving     Phase = "saving"
	PhaseExiting    Phase = "exiting"
)

// Save is a line about writing a checkpoint.
type Save struct {
	// Finished is false for "Saving ckpt", true for "Finish saving".
	Finished bool
	// What is ckpt, network, trainable_params, or [SaveIteration]; "" when the
	// line does not say.
	What        string
	Epoch, Step int64
	Seconds     float64
}

// Setting is a number of the training's configuration.
type Setting struct {
	Name  SettingName
	Value float64
}

// SettingName names a setting.
type SettingName string

// The settings that are told.
const (
	SettingSeqLength   SettingName = "seq_length"        // tokens of a sample, by the model
	SettingBatchSize   SettingName = "batch_size"        // samples of a step and device
	SettingGlobalBatch SettingName = "global_batch_size" // samples of a step, over all devices
)

// SaveIteration is the What of a checkpoint in the format that r1.8 brought: a
// directory for each iteration. Epoch is not known then, and Step counts over
// all epochs. Only rank 0 says that it is finished.
const SaveIteration = "iteration"

// Problem is an error signature found in the log, or an exception.
type Problem struct {
	Signature *Signature
	// Text is the line that matched, without its prefix, at most 4 KiB.
	Text string
	// Traceback holds the whole Python traceback that the line ends, if any;
	// of a very long one the first and the last lines.
	Traceback []string
	// When is the time of the line or, where it has none, of the record before
	// it; zero where the log has no times.
	When time.Time
	// Again is set when the fault was reported before, without the traceback
	// that is known now. It happens at most once for a fault.
	Again bool
}
