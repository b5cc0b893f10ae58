package pybridge

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"
)

// ErrNotBuilt is what [Start] returns in a binary built without Python.
var ErrNotBuilt = errors.New("built without Python; rebuild with: make build ENV=/path/to/environment")

// PyError is a Python exception.
type PyError struct {
	Type    string `json:"type"` // "ValueError", "mindspore.SomeError"
	Message string `json:"message"`
	// Traceback is what Python would have printed, chained exceptions
	// included, the bridge's own frames left out.
	Traceback string   `json:"traceback,omitempty"`
	Notes     []string `json:"notes,omitempty"` // from add_note
	// Cause is the exception this one was raised from or while handling.
	Cause *PyError `json:"cause,omitempty"`
}

func (e *PyError) Error() string {
	text := e.Type
	if e.Message != "" {
		text += ": " + e.Message
	}
	if len(e.Notes) > 0 {
		text += " (" + strings.Join(e.Notes, "; ") + ")"
	}
	return text
}

// Unwrap returns the cause, so that errors.As finds a PyError by its chain.
func (e *PyError) Unwrap() error {
	if e.Cause == nil {
		return nil
	}
	return e.Cause
}

// ExitError says that a called function raised SystemExit.
type ExitError struct {
	Code    int    `json:"code"`
	Message string `json:"message,omitempty"` // when SystemExit held a text instead of a number
}

func (e *ExitError) Error() string {
	if e.Message != "" {
		return "Python code called sys.exit: " + e.Message
	}
	return fmt.Sprintf("Python code called sys.exit(%d)", e.Code)
}

// StuckError says that a cancelled call did not return to the interpreter.
// It still occupies the interpreter; later calls wait behind it, workers do
// not.
type StuckError struct {
	What  string        // "module.function" or the script
	After time.Duration // since it was cancelled
	Err   error         // why it was cancelled
}

func (e *StuckError) Error() string {
	return fmt.Sprintf("%s was cancelled but has not returned to the Python interpreter for %s and keeps it busy; "+
		"run it with isolation: worker, where it can be ended at once", e.What, e.After.Round(time.Millisecond))
}

func (e *StuckError) Unwrap() error { return e.Err }

// SignalError says that code in a call tried to send a signal to this very
// process. It was not sent; the call was ended.
type SignalError struct{ Signal syscall.Signal }

func (e *SignalError) Error() string {
	return fmt.Sprintf("a library in the step sent %s to its own process, which is how it reports a fatal error "+
		"of its own; see the step's log, or run the step with isolation: worker", signalName(e.Signal))
}

// EndError says that code in a call tried to end this very process by exit. It
// did not; the call was ended.
type EndError struct{ Status int }

func (e *EndError) Error() string {
	return fmt.Sprintf("a library in the step called exit(%d), which is to end its process; "+
		"see the step's log, or run the step with isolation: worker", e.Status)
}

// DeviceError says that a call left accelerator cards open in this process,
// or, without paths, that it asked for one.
type DeviceError struct{ Paths []string }

func (e *DeviceError) Error() string {
	if len(e.Paths) == 0 {
		return "a step that needs a card must run with isolation: worker"
	}
	return fmt.Sprintf("the step opened %s and left it open; a step that needs a card must run with isolation: worker",
		strings.Join(e.Paths, ", "))
}

// WorkerError says that a worker ended without an answer.
type WorkerError struct {
	Signal syscall.Signal // 0 when it exited by itself
	Code   int            // its exit status, 128 + N for signal N
	Stack  string         // Python's stack, as faulthandler printed it
	Output []string       // the last lines it printed
}

func (e *WorkerError) Error() string {
	how := fmt.Sprintf("exited with status %d", e.Code)
	switch e.Signal {
	case 0:
	case syscall.SIGKILL:
		how = "was killed by SIGKILL, most likely because the machine ran out of memory (see dmesg)"
	default:
		how = "died of " + signalName(e.Signal)
	}
	text := "the worker " + how + " before it returned a result"
	if len(e.Output) > 0 {
		text += "; its last line: " + e.Output[len(e.Output)-1]
	}
	return text
}

// LastWords returns the last lines that the worker printed, and after them the
// beginning of Python's stack, which is the end of it: the last call is first.
func (e *WorkerError) LastWords() []string {
	const printed, frames = 5, 15
	words := slices.Clone(e.Output[max(0, len(e.Output)-printed):])
	if e.Stack != "" {
		stack := strings.Split(strings.TrimSpace(e.Stack), "\n")
		words = append(words, stack[:min(len(stack), frames)]...)
	}
	return words
}
