package pybridge

import "encoding/json"

// Request is one function call.
type Request struct {
	// Module is imported if it is not yet; Function may be dotted
	// ("Class.method").
	Module   string
	Function string
	// Args is a JSON array (positional arguments) or object (keyword
	// arguments); empty means none.
	Args json.RawMessage
	Surroundings
}

// Script is a Python file to run as __main__.
type Script struct {
	File string   // absolute, or relative to Dir
	Argv []string // sys.argv[1:]
	Surroundings
}

// Surroundings are what a call finds around it, and who listens to it. The
// zero value changes nothing and throws output away.
type Surroundings struct {
	// Path holds directories put before sys.path.
	Path []string
	// Dir is the working directory; empty leaves it.
	Dir string
	// Env is added to os.environ.
	Env map[string]string
	// LogFile gets all that is written to descriptors 1 and 2, appended.
	LogFile string
	// Device leaves the accelerator cards visible. Only a worker may: in
	// this process the device target is the CPU, always.
	Device bool
	// Progress and Output hear of ftd.progress and of the lines printed (the
	// last state of a "\r" bar included) while the call runs. They are called
	// from one goroutine, never after the call has returned, and should
	// return soon: output is read from the log file and is only delayed by
	// a slow listener, progress is dropped.
	Progress func(done, total int64, note string)
	Output   func(line string)
}
