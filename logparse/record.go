package logparse

import "time"

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
}

// Number is a value that a log may leave out, print as "None", or print as
// something that is not finite.
type Number struct {
	Value float64
	// Known is false where the log gave no number.
	Known bool
}

// Step is a step line of any of the formats F0 to F6.
type Step struct {
	Epoch, Epochs int64 // 0 where not printed (F6)
	Step, Total   int64 // within the epoch
	Loss          float64
	MeanLoss      Number // the second number of loss:[a/b]
	StepMS        float64
	LR            Number
	Overflow      Tristate
	LossScale     Number
	GlobalNorm    Number
	Throughput    Number // train_throughput_per_npu, in TFLOP/s
	LMLoss        Number
	BalanceLoss   Number
	MTPLoss       Number
}

// GlobalStep is the step counted over all epochs. mindformers restarts the
// step at 1 in every epoch; F0 counts epochs from zero.
func (s *Step) GlobalStep() int64 {
	if s.Epoch <= 1 || s.Total == 0 {
		return s.Step
	}
	return (s.Epoch-1)*s.Total + s.Step
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
	MS, StepMS, MeanLoss float64
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
	Finished    bool
	What        string // ckpt, network or trainable_params; "" when not said
	Epoch, Step int64
	Seconds     float64
}

// Problem is an error signature found in the log, or an exception.
type Problem struct {
	Signature *Signature
	// Text is the line that matched, without its prefix, at most 4 KiB.
	Text string
	// Traceback holds the whole Python traceback that the line ends, if any.
	Traceback []string
}

// Signature is one row of the error table: data, loaded from signatures.yaml.
type Signature struct {
	ID        string // stable word id such as "static-tls"
	Cause     string
	Remedy    string
	CauseZH   string
	RemedyZH  string
	Permanent bool // trying again cannot help
	Secondary bool // usually the consequence of another error
	Source    string
}
