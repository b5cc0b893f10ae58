package recipe

import (
	"context"
	"encoding/json"
	"time"

	"ftd/launcher"
	"ftd/launcher/watchdog"
)

// Host is what a recipe needs from the program that carries it out. The daemon
// fills it in with its journal and its interpreter; recipe knows neither.
//
// Every method that changes something returns only when it is stored: after a
// crash the job goes on from what was stored.
type Host interface {
	// StepChanged stores a step's state, key, outputs and error.
	StepChanged(ctx context.Context, s StepStatus) error
	// BeginAttempt returns the step's unfinished attempt, if the program died
	// during one (Resumed is true then), or stores and returns a new one,
	// whose directory exists and is empty.
	BeginAttempt(ctx context.Context, step string) (Attempt, error)
	// AttemptStarted stores the process of a training once it runs.
	AttemptStarted(ctx context.Context, attempt string, shim launcher.Shim) error
	// EndAttempt stores how an attempt ended; exit is nil unless it was a
	// process whose status is known.
	EndAttempt(ctx context.Context, attempt string, state StepState, exit *launcher.Exit, problem *Problem) error
	// Alarm stores what a watchdog found in the training of an attempt.
	Alarm(ctx context.Context, attempt string, a Alarm) error
	// Progress and Output tell how far a step is and what it printed; they
	// may be dropped when the program is busy.
	Progress(step string, done, total int64, note string)
	Output(step, line string)
	// Observer stores what the training of an attempt logs.
	Observer(attempt string) launcher.Observer
	// Python calls into the embedded interpreter.
	Python() Python
	// Results remembers what steps made, over all jobs.
	Results() Results
}

// FollowOptions may be implemented by a [Host] to say how the training of an
// attempt is followed, for example which checkpoints it has stored already.
type FollowOptions interface {
	FollowOptions(attempt string) []launcher.FollowOption
}

// Alarm is what a watchdog found, and what was done about it.
type Alarm struct {
	watchdog.Verdict
	Action watchdog.Action
	// Dump is the bundle that was written, if any.
	Dump string
}

// Attempt is one try at a step.
type Attempt struct {
	ID      string // "train.1", the name of its run directory
	Dir     string // absolute; those of the other attempts lie beside it
	Number  int
	Resumed bool
	// Shim is who ran its training when it was resumed, zero if nobody did.
	Shim launcher.Shim
	// Isolate asks to run a Python step in a worker: an earlier attempt at
	// it took the whole program down.
	Isolate bool
}

// Python is the embedded interpreter, or a worker with the same bridge.
type Python interface {
	Call(ctx context.Context, c PythonCall) (json.RawMessage, error)
	// Interpreter is the path of the environment's python, for processes.
	Interpreter() string
}

// PythonCall is one function call into Python, or one run of a script.
type PythonCall struct {
	Module, Function string
	// Args is a JSON object: the keyword arguments.
	Args json.RawMessage
	// Script, if it is given, is a file to run as __main__ with Argv as
	// sys.argv[1:], in place of a function; the result is its exit status.
	Script string
	Argv   []string
	// Path holds directories put before sys.path for this call.
	Path []string
	// Dir is the working directory during the call, Env is added to
	// os.environ for it, LogFile gets all it prints (appended).
	Dir     string
	Env     map[string]string
	LogFile string
	// Isolated runs it in a worker process.
	Isolated bool
	// Progress and Output are called while it runs; they must not block.
	Progress func(done, total int64, note string)
	Output   func(line string)
}

// Results is the store of finished step results, by key.
type Results interface {
	// Find returns the outputs stored for key; ok is false if there are none.
	Find(ctx context.Context, key string) (outputs map[string]string, ok bool, err error)
	// Alone waits until no other job is at work on the result of key, and has
	// others wait until release. waiting is called once if it has to wait.
	Alone(ctx context.Context, key string, waiting func()) (release func(), err error)
	// Dir returns a new directory for the result of key, in one of the
	// places of [Settings]; "" is the state directory. What is written there counts for nothing until
	// Commit, which gives it its final name.
	Dir(ctx context.Context, key, place string) (string, error)
	// Commit stores outputs; values that are paths below dir are rewritten to
	// the final place, and the rewritten outputs returned.
	Commit(ctx context.Context, key, dir string, outputs map[string]string) (map[string]string, error)
	// Drop forgets a result that is damaged.
	Drop(ctx context.Context, key string) error
	// Hold keeps the files of a result, present or future, until release.
	Hold(key string) (release func())
	// Remove removes the files of a result that the caller alone holds, and
	// does nothing if others hold it too; what it was is remembered.
	Remove(ctx context.Context, key string) error
	// Content returns the SHA-256 that was put for a file when it had this
	// look; ok is false if there is none, or it cannot be found out.
	Content(ctx context.Context, path string, look Look) (sum string, ok bool)
	PutContent(ctx context.Context, path string, look Look, sum string)
}

// StepState is where a step stands; the words are those of package api.
type StepState string

// The states of a step.
const (
	StepQueued      StepState = "queued"
	StepRunning     StepState = "running"
	StepStopping    StepState = "stopping"
	StepSucceeded   StepState = "succeeded"
	StepFailed      StepState = "failed"
	StepStopped     StepState = "stopped"
	StepInterrupted StepState = "interrupted"
	StepLost        StepState = "lost"
	StepSkipped     StepState = "skipped"
)

// StepStatus is what is stored about a step.
type StepStatus struct {
	ID      string
	State   StepState
	Key     string
	Outputs map[string]string
	Problem *Problem
	Time    time.Time
}
