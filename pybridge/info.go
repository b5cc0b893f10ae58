package pybridge

import "time"

// State is what the interpreter is doing.
type State string

// The states of an interpreter.
const (
	StateIdle       State = "idle"
	StateRunning    State = "running"
	StateCancelling State = "cancelling"
	StateStuck      State = "stuck" // a cancelled call does not return
	// StateLost is for good: a call tried to end the process and its thread
	// will never run again. Calls run in workers; a new process is whole.
	StateLost State = "lost"
)

// Info is a snapshot of the interpreter. It comes from Go memory: asking
// never waits for Python.
type Info struct {
	Version string   `json:"version"` // "3.11.7"
	Program string   `json:"program"` // sys.executable
	Prefix  string   `json:"prefix"`  // sys.prefix
	Path    []string `json:"path"`    // sys.path between calls

	State     State      `json:"state"`
	Current   *CallInfo  `json:"current,omitempty"`
	Queue     []CallInfo `json:"queue"` // in the order they will run
	Calls     uint64     `json:"calls"` // finished, in this process
	Workers   int        `json:"workers"`
	BusySince time.Time  `json:"busy_since,omitzero"`

	// OwnDirectory is false where the kernel refused the interpreter's
	// thread a working directory of its own; the whole process then changes
	// directory during a call.
	OwnDirectory bool `json:"own_directory"`
	// HoldsDevice is true when the last step left a card open. If none closes
	// it again, only a new process gives it back.
	HoldsDevice bool  `json:"holds_device"`
	Guard       Guard `json:"guard"`
}

// CallInfo describes a call that waits or runs.
type CallInfo struct {
	ID      uint64    `json:"id"`
	What    string    `json:"what"`
	Queued  time.Time `json:"queued"`
	Started time.Time `json:"started,omitzero"`
}

// Guard counts what the guard kept from happening since the start.
type Guard struct {
	Armed    bool           `json:"armed"`
	Refused  map[string]int `json:"refused,omitempty"` // changes of Go's handlers, by signal
	Flagged  int            `json:"flagged"`           // handlers given SA_ONSTACK
	Signals  int            `json:"signals"`           // to our own process, not sent
	Waits    int            `json:"waits"`             // for any child, narrowed to Python's own
	Escaped  []string       `json:"escaped,omitempty"` // signals whose handler got past the guard
	Exported bool           `json:"exported"`          // libraries bind to the guard
}
