package rundir

import "time"

// SpecVersion is the version of spec.json that this program writes. A reader
// accepts its own and older ones: a run may have been started by an older
// daemon and must be adoptable.
const SpecVersion = 1

// The names of the files.
const (
	SpecFile    = "spec.json"
	ShimFile    = "shim.json"
	EndedFile   = "ended.json"
	ExitFile    = "exit.json"
	ShimLogFile = "shim.log"
)

// Environment variables that mark what belongs to a run.
const (
	// RunVariable is for people and scripts: the name of the run.
	RunVariable = "FTD_RUN_ID"
	// TokenVariable holds Spec.Token, by which the processes of a run are
	// found wherever they went.
	TokenVariable = "FTD_RUN_TOKEN"
	// HolderVariable marks the shim itself in the same way.
	HolderVariable = "FTD_SHIM_TOKEN"
)

// Spec is what is to be run, written as spec.json into the run directory
// before anything is started. The shim reads nothing else.
type Spec struct {
	Version int `json:"version"`
	// Run names the run for people and in FTD_RUN_ID: "JOB/train.1".
	Run string `json:"run"`
	// Token is a random word that no other run has; all processes of the run
	// inherit it. Launch makes it.
	Token   string   `json:"token"`
	Command []string `json:"command"`
	// Dir is the training's working directory (absolute).
	Dir string `json:"dir"`
	// Env is the whole environment, nothing is inherited.
	Env []string `json:"env"`
	// Log is the file that gets stdout and stderr, relative to the run
	// directory: "rank_0.log".
	Log string `json:"log"`
	// RankLogs matches the logs of the ranks, where the command is a launcher
	// such as msrun whose workers write files of their own: a directory,
	// absolute or relative to Dir, and a pattern as of a shell for the files in
	// it, "msrun_log/worker_*.log". The rank is the last number in a file's
	// name. Empty where Log is the only log.
	RankLogs string `json:"rank_logs,omitempty"`
	// Checkpoints are directories, absolute or relative to Dir, below which
	// checkpoints are expected.
	Checkpoints []string `json:"checkpoints,omitempty"`
	// Cgroup is where a cgroup is made for the run: a directory, or empty for
	// the shim's own cgroup if that is possible, or "off".
	Cgroup string `json:"cgroup,omitempty"`
	// Linger is how many seconds processes that the command left behind may
	// go on after it ended successfully, before they are ended; 0 means 5,
	// negative means for ever (a launcher script that does not wait for its
	// workers).
	Linger float64 `json:"linger,omitempty"`
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
	// Cgroup is the directory of the run's own cgroup, empty if it has none.
	Cgroup string `json:"cgroup,omitempty"`
}

// Exit is exit.json: how it ended, written by the shim by temporary file,
// fsync and rename, into space that was reserved beforehand.
type Exit struct {
	// Code is the exit status, 128 + N when signal N ended it.
	Code   int    `json:"code"`
	Signal string `json:"signal,omitempty"` // "SIGKILL"
	// Ended is when the command itself ended.
	Ended time.Time `json:"ended"`
	// Leftovers is how many processes outlived the command and were ended.
	Leftovers int `json:"leftovers,omitempty"`
	// Error is set when the command could not be started at all, Reason is
	// its code then: one of the Reason constants.
	Error  string `json:"error,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// CgroupOff in Spec.Cgroup asks for none.
const CgroupOff = "off"

// Why a command could not be started, as stable word ids.
const (
	ReasonNotFound      = "command-not-found"
	ReasonNotExecutable = "command-not-executable"
	ReasonInterpreter   = "interpreter-not-found" // the file after "#!" or the ELF loader
	ReasonDirectory     = "directory-gone"
	ReasonLog           = "log-not-writable"
	ReasonDiskFull      = "disk-full"
	ReasonTooLong       = "command-too-long"
	ReasonInUse         = "run-directory-in-use"
	ReasonSpec          = "run-directory-broken"
	ReasonOther         = "start-failed"
)
