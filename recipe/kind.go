package recipe

import (
	"context"
	"maps"
	"slices"

	"ftd/launcher"
	"ftd/logparse"
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
		"adgen":         adgenKind(),
		"data":          dataKind{},
		"conversations": conversationsKind(),
		"tokenizer":     tokenizerKind(),
		"mindrecord":    mindrecordKind(),
		"weights":       weightsKind(),
		"checkout":      checkoutKind{},
		"env":           envKind{},
		"shell":         shellKind{},
		"fetch":         fetchKind{},
		"unpack":        unpackKind{},
		"lfs":           lfsKind{},
		"merge":         mergeKind(),
		"convert":       convertKind(),
		"config":        configKind{},
		"train":         trainKind{},
		"python":        callKind{},
		"script":        scriptKind{},
	}
}

// Kinds returns the names of all kinds of steps, sorted.
func Kinds() []string { return slices.Sorted(maps.Keys(kinds())) }

// Plan is what a step would do, and what it takes.
type Plan struct {
	Summary string   `json:"summary"` // one line
	Inputs  []string `json:"inputs,omitempty"`
	Outputs []string `json:"outputs,omitempty"` // names
	Cached  bool     `json:"cached"`
	// Downloads are the files that it would fetch from elsewhere.
	Downloads []Download `json:"downloads,omitempty"`
	// Disk and Memory are the bytes that it takes at most, as far as that can
	// be known without doing it; 0 is unknown or next to nothing.
	Disk   int64 `json:"disk_bytes,omitempty"`
	Memory int64 `json:"memory_bytes,omitempty"`
	// Cards is how many accelerator cards it uses at once; 0 is none.
	Cards int `json:"cards,omitempty"`

	// in is the directory that what it makes lies in, of a kind that does not
	// leave it to the places.
	in string
}

// Download is a file that a step would fetch.
type Download struct {
	Name    string   `json:"name"`    // the file's own name
	Sources []string `json:"sources"` // where it is looked for, in this order
	Size    int64    `json:"bytes,omitempty"`
	SHA256  string   `json:"sha256,omitempty"`
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
	// JobDir is ${job.dir}.
	JobDir string
	Host   Host
	// Settings of the program that kinds need.
	Settings Settings

	// skipChecks are the checks that the doctor's gate leaves out.
	skipChecks []string

	// planned are, of a preview, the bytes of inputs that are not there yet, by
	// parameter, as far as they can be told.
	planned map[string]int64

	// elsewhere says that the step has another Python environment than the
	// daemon: its Python runs in processes of that one.
	elsewhere bool
	// exit is how the process of the attempt ended, if that is known; cures
	// are what its environment has that the first attempt's had not.
	exit  *launcher.Exit
	cures []launcher.EnvChange
	// earlier is the number of attempts from before a person resumed the job.
	earlier int
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
	// Places are the directories in which results may be, see place.go: the
	// state directory, and others for what does not fit there.
	Places []string
	// Partial is the directory for what is half fetched: it outlives a step that
	// fails, so that the next one goes on. It is on the filesystem of the
	// step's result.
	Partial string
	// Environments is the directory in which steps create Python environments.
	Environments string
	// Stop is how long each way to end a training is given, unless its step
	// says otherwise; zero is launcher.DefaultGraces.
	Stop launcher.Graces
	// Start is the environment that the program was started with, captured
	// before anything changed it; trainings take known names over from it.
	Start []string
	// Signatures are the errors that are looked for in logs; nil is
	// logparse.Signatures.
	Signatures *logparse.Table
}

// reading is how logs are read.
func (s *Settings) reading() []logparse.Option {
	if s.Signatures == nil {
		return nil
	}
	return []logparse.Option{logparse.WithTable(s.Signatures)}
}
