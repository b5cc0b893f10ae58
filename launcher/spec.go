package launcher

import "time"

// SpecVersion is the version of spec.json that this program writes. A reader
// accepts its own and older ones: a run may have been started by an older
// daemon and must be adoptable.
const SpecVersion = 1

// Spec is what is to be run, written as spec.json into the run directory
// before anything is started. The shim reads nothing else.
type Spec struct {
	Version int `json:"version"`
	// Run names the run for people and in FTD_RUN_ID: "JOB/train.1".
	Run     string   `json:"run"`
	Command []string `json:"command"`
	// Dir is the training's working directory (absolute).
	Dir string `json:"dir"`
	// Env is the whole environment, nothing is inherited.
	Env []string `json:"env"`
	// Log is the file that gets stdout and stderr, relative to the run
	// directory: "rank_0.log".
	Log string `json:"log"`
	// Checkpoints are directories, absolute or relative to Dir, below which
	// checkpoints are expected.
	Checkpoints []string `json:"checkpoints,omitempty"`
}

// Shim is shim.json: who runs it. The four fields together are the identity
// of a process; a pid alone has killed strangers elsewhere.
type Shim struct {
	PID          int    `json:"pid"`         // of ftd-shim
	StartTicks   uint64 `json:"start_ticks"` // field 22 of /proc/PID/stat
	BootID       string `json:"boot_id"`
	PIDNamespace string `json:"pid_namespace"`
	// Child is the training itself, 0 when it could not be started.
	Child           int       `json:"child"`
	ChildStartTicks uint64    `json:"child_start_ticks"`
	Started         time.Time `json:"started"`
	Version         string    `json:"version"`
}

// Exit is exit.json: how it ended, written by the shim by temporary file,
// fsync and rename, into space that was reserved beforehand.
type Exit struct {
	// Code is the exit status, 128 + N when signal N ended it.
	Code   int       `json:"code"`
	Signal string    `json:"signal,omitempty"` // "SIGKILL"
	Ended  time.Time `json:"ended"`
	// Error is set when the command could not be started at all.
	Error string `json:"error,omitempty"`
}
