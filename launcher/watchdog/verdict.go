package watchdog

import (
	"time"

	"ftd/logparse"
)

// Name names a watchdog, as in a recipe.
type Name string

// The watchdogs. Those up to Silence judge by clocks, the others by what the
// log says of the steps.
const (
	Startup   Name = "startup"    // it began, but nothing moves before the compile
	Compile   Name = "compile"    // nothing moves while it compiles
	FirstStep Name = "first_step" // it works, but there is still no first step
	Stall     Name = "stall"      // no step for much longer than a step takes
	Silence   Name = "silence"    // the log does not grow
	NonFinite Name = "nonfinite"  // the loss is not a number
	Overflow  Name = "overflow"   // most steps overflow: the weights do not change
	LossScale Name = "loss_scale" // it came down to 1, and steps still overflow
	Flat      Name = "flat"       // the same loss to the last digit
	Spike     Name = "spike"      // the loss is far above what it was
	Weights   Name = "weights"    // the weights were not loaded, and it trains all the same
)

// Verdict is what a watchdog has to say.
type Verdict struct {
	Watchdog Name `json:"watchdog"`
	// Error is set where the training is useless if the verdict is right;
	// else it may still get on.
	Error bool `json:"error,omitempty"`
	// Since is when it began: the last sign of life, or the first bad step.
	Since time.Time `json:"since"`
	// Message says what is wrong, in a sentence.
	Message string `json:"message"`
	// Remedy is what to do about it, where more is known than to look.
	Remedy   string   `json:"remedy,omitempty"`
	Evidence Evidence `json:"evidence"`
}

// Evidence is what a verdict rests on.
type Evidence struct {
	Rank  int            `json:"rank"`
	Phase logparse.Phase `json:"phase,omitempty"`
	// Step is the last step that was seen, over all epochs; 0 if none was.
	Step int64 `json:"step,omitempty"`
	// Moved names which sign of life was seen last: "log", "cpu" or "cache".
	Moved string `json:"moved,omitempty"`
	// LogSeconds, CPUSeconds and CacheSeconds are how long ago the log grew,
	// the processes worked, and a file of the compile caches changed.
	LogSeconds   float64 `json:"log_seconds,omitempty"`
	CPUSeconds   float64 `json:"cpu_seconds,omitempty"`
	CacheSeconds float64 `json:"cache_seconds,omitempty"`
	// Stuck and Suspended count the processes in the states D and T.
	Stuck     int `json:"stuck,omitempty"`
	Suspended int `json:"suspended,omitempty"`
	// Steps is how many steps in a row, or within a window, were bad.
	Steps int `json:"steps,omitempty"`
	// Loss is the last loss as text, since it may be no number.
	Loss string `json:"loss,omitempty"`
}

// Signs are signs of life at one moment, see launcher.Run.Signs.
type Signs struct {
	// Log is how many bytes all logs of the run hold.
	Log int64
	// LogOnly is set where nothing else was looked at, because the logs move.
	LogOnly bool
	// CPU is the processor time of the run's processes.
	CPU time.Duration
	// Processes is how many there are; Stuck are in state D, where they wait
	// for a driver or a filesystem, Suspended in state T.
	Processes, Stuck, Suspended int
	// Cache stands for the contents of the compile caches: it is another
	// number when a file there was added or has grown. Zero if not looked at.
	Cache uint64
	// Saves stands in the same way for the directories of checkpoints, once
	// there are steps.
	Saves uint64
}
