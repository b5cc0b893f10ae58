package recipe

import (
	"context"
	"maps"
	"slices"

	"ftd/launcher"
)

// Kind is a kind of step: what "uses:" names. A new kind is one file with one
// type and one line in [kinds].
type Kind interface {
	// Params are the parameters that "with:" may hold.
	Params() []Param
	// Outputs are the names for ${steps.ID.outputs.NAME}.
	Outputs() []string
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

// kinds are all kinds of steps, by the name that "uses:" gives them.
func kinds() map[string]Kind {
	return map[string]Kind{
		"data":          dataKind{},
		"conversations": conversationsKind(),
		"tokenizer":     tokenizerKind(),
		"mindrecord":    mindrecordKind(),
		"weights":       weightsKind(),
		"convert":       convertKind(),
		"config":        configKind{},
		"train":         trainKind{},
		"python":        callKind{},
	}
}

// Kinds returns the names of all kinds of steps, sorted.
func Kinds() []string { return slices.Sorted(maps.Keys(kinds())) }

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
	// With holds the step's parameters after ${...} was replaced, of the
	// types that Params names (string, int64, float64, bool, []string,
	// map[string]any), with the defaults filled in and paths absolute.
	With map[string]any
	// From says of a parameter whose value came from another step's result,
	// whole, which result that is: its key and the output's name. Such a
	// file need not be read to know whether it has changed.
	From map[string]string
	Env  map[string]string
	// Attempt is the attempt at work (zero in Plan, Key and Verify), Dir the
	// directory for what the step makes: it counts only when the step has
	// succeeded, and has another name then.
	Attempt Attempt
	Dir     string
	Host    Host
	// Settings of the program that kinds need.
	Settings Settings

	// exit is how the process of the attempt ended, if that is known; change
	// is what the environment of a second try has that the first had not.
	exit   *launcher.Exit
	change *launcher.EnvChange
}

func (s *StepContext) text(name string) string {
	v, _ := s.With[name].(string)
	return v
}

func (s *StepContext) texts(name string) []string {
	v, _ := s.With[name].([]string)
	return v
}

// Settings are what kinds need to know of the installation.
type Settings struct {
	Env     string // prefix of the Python environment
	Python  string // its interpreter
	Shim    string // path of ftd-shim
	Library string // directory with the files of [Library], for sys.path
	// Start is the environment that the program was started with, captured
	// before anything changed it; trainings take known names over from it.
	Start []string
}
