package api

import "time"

// State is where a job, a step or an attempt stands.
type State string

// The states of a job. A step may also be [StateSkipped].
const (
	StateQueued      State = "queued"      // accepted, not begun
	StateRunning     State = "running"     // at work
	StateStopping    State = "stopping"    // asked to stop, still ending
	StateSucceeded   State = "succeeded"   // ended, and what it made was verified
	StateFailed      State = "failed"      // ended with an error
	StateStopped     State = "stopped"     // ended because a person asked for it
	StateInterrupted State = "interrupted" // cut short from outside, such as by a reboot
	StateLost        State = "lost"        // its process is gone and left no exit status
	StateSkipped     State = "skipped"     // its result was there already
)

// Ended reports whether s is final. Of a state that this program does not know,
// because the daemon is newer, it says no: see [Job.Over].
func (s State) Ended() bool {
	switch s {
	case StateSucceeded, StateFailed, StateStopped, StateInterrupted, StateLost, StateSkipped:
		return true
	}
	return false
}

// Phase is what a training is doing at the moment.
type Phase string

// The phases of a training, in their usual order.
const (
	PhaseStarting   Phase = "starting"
	PhaseLoading    Phase = "loading"
	PhaseCompiling  Phase = "compiling"
	PhaseTraining   Phase = "training"
	PhaseEvaluating Phase = "evaluating"
	PhaseSaving     Phase = "saving"
	PhaseExiting    Phase = "exiting"
)

// Job is one recipe being carried out.
type Job struct {
	ID      string            `json:"id"`
	Name    string            `json:"name"`
	Recipe  string            `json:"recipe"`
	State   State             `json:"state"`
	Vars    map[string]string `json:"vars,omitempty"`
	Created time.Time         `json:"created"`
	Started *time.Time        `json:"started,omitempty"`
	Ended   *time.Time        `json:"ended,omitempty"`
	// Error says why the job did not succeed; nil otherwise.
	Error *Error `json:"error,omitempty"`
	// Priority is the job's place in the line: higher goes first, and among
	// equals the one that was submitted first.
	Priority int `json:"priority,omitempty"`
	// Waiting says what the job waits for; nil if it is at work or has ended.
	Waiting *Waiting `json:"waiting,omitempty"`
	// Cards are the accelerator cards that its training holds.
	Cards []int `json:"cards,omitempty"`
	// Dir holds everything the job wrote.
	Dir string `json:"dir"`
	// Event is the id of the newest event when this was read: following the
	// events after it misses nothing.
	Event int64  `json:"event,omitempty"`
	Steps []Step `json:"steps,omitempty"`
	// Training sums up the newest attempt of the job's training, if any.
	Training *Training `json:"training,omitempty"`
}

// Over reports whether the job has ended, also in a way that a newer daemon may
// know and this program does not: only jobs at an end have the time of it.
func (j *Job) Over() bool {
	switch j.State {
	case StateQueued, StateRunning, StateStopping:
		return false
	}
	return j.State.Ended() || j.Ended != nil
}

// Step is one part of a job.
type Step struct {
	ID        string            `json:"id"`
	Uses      string            `json:"uses"`
	State     State             `json:"state"`
	Key       string            `json:"key,omitempty"`
	Isolation string            `json:"isolation,omitempty"`
	Started   *time.Time        `json:"started,omitempty"`
	Ended     *time.Time        `json:"ended,omitempty"`
	Outputs   map[string]string `json:"outputs,omitempty"`
	Progress  *Progress         `json:"progress,omitempty"`
	Error     *Error            `json:"error,omitempty"`
	Attempts  []Attempt         `json:"attempts,omitempty"`
}

// Progress is how far a step says it is. Total 0 means it cannot tell.
type Progress struct {
	Done  int64  `json:"done"`
	Total int64  `json:"total,omitempty"`
	Note  string `json:"note,omitempty"`
}

// Attempt is one try at a step.
type Attempt struct {
	// ID is unique within the job and names the run directory: "train.1".
	ID      string     `json:"id"`
	Step    string     `json:"step"`
	Number  int        `json:"number"`
	State   State      `json:"state"`
	Dir     string     `json:"dir"`
	PID     int        `json:"pid,omitempty"`
	Started *time.Time `json:"started,omitempty"`
	Ended   *time.Time `json:"ended,omitempty"`
	// ExitCode is the command's own status, 128 + N when signal N ended it;
	// nil while it runs and when it is not known.
	ExitCode *int   `json:"exit_code,omitempty"`
	Signal   string `json:"signal,omitempty"`
	Error    *Error `json:"error,omitempty"`
	// Cards are the accelerator cards it was given.
	Cards []int `json:"cards,omitempty"`
}

// Training sums up what is known of a training at this moment.
type Training struct {
	Attempt       string       `json:"attempt"`
	Phase         Phase        `json:"phase"`
	PhaseSince    time.Time    `json:"phase_since"`
	CompileBegan  *time.Time   `json:"compile_began,omitempty"`
	CompileEnded  *time.Time   `json:"compile_ended,omitempty"`
	Last          *Point       `json:"last,omitempty"`
	StepsDone     int64        `json:"steps_done"`
	StepsTotal    int64        `json:"steps_total,omitempty"`
	OverflowSteps int64        `json:"overflow_steps"`
	NonFinite     int64        `json:"nonfinite_steps"`
	StepSeconds   Float        `json:"step_seconds,omitempty"` // median
	SamplesPerSec Float        `json:"samples_per_second,omitempty"`
	SecondsLeft   *Float       `json:"seconds_left,omitempty"`
	Checkpoints   []Checkpoint `json:"checkpoints,omitempty"`
	// Disk is how long the disk will hold the checkpoints; nil if it is not
	// known, or the training has ended.
	Disk *Disk `json:"disk,omitempty"`
	// Alarms are what watchdogs found, in all attempts; the newest 100.
	Alarms []Alarm `json:"alarms,omitempty"`
}

// Point is one step record of a training log.
type Point struct {
	Attempt string    `json:"attempt"`
	Rank    int       `json:"rank"`
	Time    time.Time `json:"time"`
	Epoch   int64     `json:"epoch,omitempty"`
	Epochs  int64     `json:"epochs,omitempty"`
	// Step counts within the epoch when the log does; Total is its end.
	Step  int64 `json:"step"`
	Total int64 `json:"total,omitempty"`
	// GlobalStep is (Epoch-1)·Total + Step.
	GlobalStep int64  `json:"global_step"`
	Loss       Float  `json:"loss"`
	LR         *Float `json:"lr,omitempty"`
	StepMS     Float  `json:"step_ms"`
	Overflow   *bool  `json:"overflow,omitempty"`
	LossScale  *Float `json:"loss_scale,omitempty"`
	GlobalNorm *Float `json:"global_norm,omitempty"`
	// Repeated is set where an earlier attempt had come as far already: this
	// one went on from a checkpoint before that, or began anew.
	Repeated bool `json:"repeated,omitempty"`
	// Source is where the record was read, as byte offset in the rank's log.
	Offset int64 `json:"offset"`
}

// Disk is what is to be expected of the disk that a training saves to; sizes
// are bytes.
type Disk struct {
	Free int64 `json:"free"`
	// Needed is what the checkpoints still to come take; -1 without an end.
	Needed int64 `json:"needed"`
	Enough bool  `json:"enough"`
	// Saves is how many checkpoints fit before it is full; -1 if all do.
	Saves int64 `json:"saves"`
	// RunsOut is when it will be full, if it is known.
	RunsOut *time.Time `json:"runs_out,omitempty"`
	Warning string     `json:"warning,omitempty"`
}

// Checkpoint is a checkpoint that was seen being made.
type Checkpoint struct {
	Path     string `json:"path"`
	Format   string `json:"format"`
	Bytes    int64  `json:"bytes"`
	Tensors  int    `json:"tensors"`
	Rank     int    `json:"rank"`
	Epoch    int64  `json:"epoch,omitempty"`
	Step     int64  `json:"step,omitempty"`
	Complete bool   `json:"complete"`
	// Reason is why it is not complete, or why the daemon has deleted it.
	Reason string    `json:"reason,omitempty"`
	Seen   time.Time `json:"seen"`
	// Gone is set once the file is not there any more.
	Gone bool `json:"gone,omitempty"`
}

// Submit is the body of POST /v1/jobs. Exactly one of Recipe, Text and
// Command is set.
type Submit struct {
	// Recipe names a built-in recipe.
	Recipe string `json:"recipe,omitempty"`
	// Text is a whole recipe file; Base is the directory its relative paths
	// start from.
	Text string `json:"text,omitempty"`
	Base string `json:"base,omitempty"`
	// Command is a training command to supervise as it is, in Dir.
	Command []string `json:"command,omitempty"`
	Dir     string   `json:"dir,omitempty"`

	Name string            `json:"name,omitempty"`
	Vars map[string]string `json:"vars,omitempty"`
	// Env is added to the environment of the training command.
	Env map[string]string `json:"env,omitempty"`
	// Force runs steps again whose results are there.
	Force bool `json:"force,omitempty"`
	// Priority is from -MaxPriority to MaxPriority.
	Priority int `json:"priority,omitempty"`
	// Cards is how many accelerator cards Command takes; nil is one, where
	// the daemon hands out cards.
	Cards *int `json:"cards,omitempty"`
	// From is the id of a step: it and all that need its result run again.
	From string `json:"from,omitempty"`
	// SkipChecks are checks of the doctor, by their ids, that are left out
	// before the job and its trainings; "all" leaves all out.
	SkipChecks []string `json:"skip_checks,omitempty"`
}

// CallRequest is the body of POST /v1/call: one function of one module of the
// embedded Python.
type CallRequest struct {
	Module   string `json:"module"`
	Function string `json:"function"`
	// Args is a JSON array (positional) or object (keyword arguments).
	Args any `json:"args,omitempty"`
	// Isolation "worker" runs it in a process of its own.
	Isolation string `json:"isolation,omitempty"`
	// TimeoutSeconds ends the call; 0 means no limit.
	TimeoutSeconds float64 `json:"timeout_seconds,omitempty"`
}

// CallResult is the answer of POST /v1/call.
type CallResult struct {
	// Result is what the function returned; its numbers are json.Number when
	// the Client read it.
	Result  any     `json:"result"`
	Output  string  `json:"output,omitempty"`
	Seconds float64 `json:"seconds"`
}

// Version is the answer of GET /v1/version.
type Version struct {
	Version string `json:"version"`
	API     int    `json:"api"`
	PID     int    `json:"pid"`
	// Started is when the daemon began, or began anew in the same process.
	Started time.Time `json:"started"`
	Python  string    `json:"python,omitempty"`
	Env     string    `json:"env,omitempty"`
	State   string    `json:"state_dir"`
	// Calls is nil before the first call into Python.
	Calls *Calls `json:"calls,omitempty"`
}

// Calls is what the Python inside the daemon is doing, and what waits for it.
type Calls struct {
	// State is idle, running, cancelling, stuck (a cancelled call that does not
	// return) or lost (calls run in workers until the daemon restarts).
	State   string       `json:"state"`
	Running *CallStatus  `json:"running,omitempty"`
	Waiting []CallStatus `json:"waiting"` // in the order they will run
	Workers int          `json:"workers"` // calls in processes of their own
}

// CallStatus is a call that runs or waits.
type CallStatus struct {
	What  string    `json:"what"`  // module.function, or a script
	Since time.Time `json:"since"` // it runs, or waits
}
