package pybridge

import "time"

// Config says which interpreter to load and how. Prefix, Program and Library
// are required.
type Config struct {
	// Prefix is the environment: a venv, a conda environment or an
	// installation prefix. Program is its python, an absolute path; Python
	// finds the environment's packages by it and shows it as sys.executable.
	Prefix  string
	Program string
	// Library is a directory for ftd's own Python files, put on sys.path.
	// Start writes the bridge's side (package ftd) into it; other files in
	// it are left alone.
	Library string
	// Grace is how long a cancelled call may take to end before it counts as
	// stuck. 0 means two seconds.
	Grace time.Duration
	// Devices is the beginning of the paths that no call in this process may
	// leave open. Empty means "/dev/davinci".
	Devices string
	// Stray is a file for what comes on descriptors 1 and 2 after Python was
	// loaded while no call is at work: from threads that a call has left
	// behind. It is emptied when it has grown. Where it is empty the
	// descriptors are in between what they were at the start.
	Stray string
}

const (
	defaultGrace   = 2 * time.Second
	defaultDevices = "/dev/davinci"
)

func (c Config) grace() time.Duration {
	if c.Grace > 0 {
		return c.Grace
	}
	return defaultGrace
}

func (c Config) devices() string {
	if c.Devices != "" {
		return c.Devices
	}
	return defaultDevices
}
