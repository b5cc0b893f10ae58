package launcher

import (
	"fmt"

	"ftd/launcher/rundir"
)

// Error is a failure in words for the person who wanted the training.
type Error struct {
	// Code is a stable word id, such as "command-not-found".
	Code    string
	Message string
	Remedy  string
	// Err is the cause, if it is not all said in Message.
	Err error
}

func (e *Error) Error() string {
	if e.Remedy == "" {
		return e.Message
	}
	return e.Message + "; " + e.Remedy
}

func (e *Error) Unwrap() error { return e.Err }

// The codes of an [Error] beyond those of a failed start, which are the
// Reason constants of package rundir.
const (
	CodeAlreadyLaunched = "already-launched"
	CodeRunDirectory    = rundir.ReasonSpec
	CodeShimMissing     = "shim-missing"
	CodeShimFailed      = "shim-failed"
	CodeSpecInvalid     = "spec-invalid"
	CodeNotStopped      = "not-stopped"
	CodeNoEnvironment   = "no-environment"
)

func errorf(code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Err: err}
}

func (e *Error) withRemedy(format string, args ...any) *Error {
	e.Remedy = fmt.Sprintf(format, args...)
	return e
}

// startError is the error for a command that could not be started.
func startError(reason, message string) *Error {
	return &Error{Code: reason, Message: message, Remedy: startRemedies[reason]}
}

// startRemedies says what to do about each reason for a failed start.
var startRemedies = map[string]string{
	rundir.ReasonNotFound:      "give its full path, or install it in the environment that the training uses; `ftctl env explain` shows PATH",
	rundir.ReasonNotExecutable: "start it through its interpreter (python train.py, bash train.sh), or make it executable with chmod +x",
	rundir.ReasonInterpreter:   "look at its first line (head -1) and correct the path there",
	rundir.ReasonDirectory:     "create the directory or name another one",
	rundir.ReasonLog:           "check owner and mode of the state directory",
	rundir.ReasonDiskFull:      "free some space where the state directory is",
	rundir.ReasonTooLong:       "put the arguments in a file",
	rundir.ReasonInUse:         "start a new attempt, which has a directory of its own",
	rundir.ReasonSpec:          "start a new attempt, which has a directory of its own",
}
