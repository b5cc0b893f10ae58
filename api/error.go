package api

import "fmt"

// Error is what every failure becomes before a person sees it: what went
// wrong, and what to do about it. It is the body of every HTTP error answer
// and the end of every unsuccessful job.
type Error struct {
	// Code is a stable word id such as "job-not-found" or "static-tls".
	Code string `json:"code"`
	// Message says what went wrong, where, in one sentence.
	Message string `json:"message"`
	// Remedy says what to do next; empty only where there is nothing to do.
	Remedy string `json:"remedy,omitempty"`
	// Source points at the evidence, as FILE:LINE, when there is some.
	Source string `json:"source,omitempty"`
	// Excerpt holds the lines that show it: the end of a log, a traceback.
	Excerpt []string `json:"excerpt,omitempty"`
}

// Codes that clients decide by. Codes of training failures are those of the
// signature table in package logparse.
const (
	CodeBadRequest       = "bad-request"
	CodeNotFound         = "not-found"
	CodeConflict         = "conflict"
	CodeDenied           = "denied"
	CodeUnreachable      = "daemon-unreachable"
	CodeHangs            = "daemon-hangs"  // it takes connections and does not answer
	CodeNoRoute          = "unknown-route" // daemon and client are of different ages
	CodeTimeout          = "timeout"
	CodeInternal         = "internal"
	CodeTooLarge         = "too-large"
	CodeSettings         = "settings-invalid"
	CodeNoPython         = "no-python"
	CodeRecipeInvalid    = "recipe-invalid"
	CodeStateNewer       = "state-newer"
	CodeStateInUse       = "state-in-use"
	CodeNoEnvironment    = "no-environment"
	CodePythonMismatch   = "python-mismatch"
	CodeDiskFull         = "disk-full"
	CodePython           = "python-exception"
	CodeTrainingFailed   = "training-failed"
	CodeTrainingLost     = "training-lost"
	CodeCommandNotFound  = "command-not-found"
	CodeCheckpointBroken = "checkpoint-incomplete"
)

func (e *Error) Error() string {
	if e.Remedy == "" {
		return e.Message
	}
	return e.Message + "; " + e.Remedy
}

// Errorf makes an Error without a remedy; add one with [Error.WithRemedy].
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// WithRemedy returns a copy of e that says what to do next.
func (e *Error) WithRemedy(format string, args ...any) *Error {
	c := *e
	c.Remedy = fmt.Sprintf(format, args...)
	return &c
}
