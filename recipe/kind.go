package recipe

import "context"

// Kind is a kind of step: what "uses:" names. A new kind is one file with one
// type and one line in the table of kinds.
type Kind interface {
	// Plan says what the step would do, without doing any of it.
	Plan(ctx context.Context, s *StepContext) (Plan, error)
	// Key identifies the step's result: a hash of its inputs, parameters and
	// code. Equal keys mean that the result can be used again. An empty key
	// means that the step always runs (a training does).
	Key(ctx context.Context, s *StepContext) (string, error)
	// Run does it and returns the step's named outputs.
	Run(ctx context.Context, s *StepContext) (map[string]string, error)
	// Verify checks a result, fresh or stored, by looking at what is there.
	Verify(ctx context.Context, s *StepContext, outputs map[string]string) error
}

// Plan is what a step would do.
type Plan struct {
	Summary string   `json:"summary"` // one line
	Inputs  []string `json:"inputs,omitempty"`
	Outputs []string `json:"outputs,omitempty"` // names
	Cached  bool     `json:"cached"`
}

// StepContext is all that a kind gets to see.
type StepContext struct {
	Job  string
	Step Step
	// With holds the step's parameters after ${...} was replaced.
	With map[string]any
	Env  map[string]string
	// Attempt is the attempt at work (zero in Plan, Key and Verify), Dir the
	// directory for what the step makes.
	Attempt Attempt
	Dir     string
	Host    Host
	// Settings of the program that kinds need.
	Settings Settings
}

// Settings are what kinds need to know of the installation.
type Settings struct {
	Env     string // prefix of the Python environment
	Python  string // its interpreter
	Shim    string // path of ftd-shim
	Library string // directory with ftd's own Python files, for sys.path
}
