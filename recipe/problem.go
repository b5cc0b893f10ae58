package recipe

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"ftd/launcher"
	"ftd/logparse"
	"ftd/recipe/fault"
)

// Problem is an error with a code, a cause and a remedy: what a person reads.
type Problem struct {
	Code    string   `json:"code"`
	Message string   `json:"message"`
	Remedy  string   `json:"remedy,omitempty"`
	Source  string   `json:"source,omitempty"` // FILE:LINE of the evidence
	Excerpt []string `json:"excerpt,omitempty"`

	// permanent is set where trying again without a change cannot help.
	permanent bool
}

// The codes of problems that arise here. A training's are also the ids of the
// error signatures found in its log.
const (
	CodeInvalid          = "recipe-invalid"
	CodeNotFound         = "not-found"
	CodeData             = "data-invalid"
	CodePython           = "python-exception"
	CodeStep             = "step-failed"
	CodeDiskFull         = "disk-full"
	CodeResult           = "result-damaged"
	CodeTrainingFailed   = "training-failed"
	CodeTrainingLost     = "training-lost"
	CodeInterrupted      = "training-interrupted"
	CodeCommandNotFound  = "command-not-found"
	CodeCheckpointBroken = "checkpoint-incomplete"
	CodeWeights          = "weights-not-loaded"
	CodeDoctor           = "unfit"
	CodeWatchdog         = "watchdog"
	CodeStopped          = "stopped"
	CodeEnvironment      = "environment-differs"
	CodeUntrained        = "nothing-trained"
)

func (p *Problem) Error() string {
	if p.Remedy == "" {
		return p.Message
	}
	return p.Message + "; " + p.Remedy
}

// PythonError is implemented by the errors of [Python.Call] that are Python
// exceptions. The type is its name without a module, or with it.
type PythonError interface {
	error
	PythonError() (typ, message string, traceback []string)
}

// Bereaved is implemented by the errors of [Python.Call] of a process that died
// before it had an answer: what it printed last, and where its Python was.
type Bereaved interface {
	error
	LastWords() []string
}

const excerptLines = 20

// problemOf turns the error that ended a step into what a person reads.
func problemOf(step string, err error) *Problem {
	var p *Problem
	var py PythonError
	var known *fault.Fault
	var launch *launcher.Error
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &known):
		return &Problem{Code: known.Code, Message: known.Message, Remedy: known.Remedy}
	case errors.As(err, &launch):
		return &Problem{Code: launch.Code, Message: launch.Message, Remedy: launch.Remedy}
	case errors.Is(err, syscall.ENOSPC):
		return diskFull(step)
	case errors.As(err, &py):
		return pythonProblem(step, py)
	}
	p = &Problem{
		Code:    CodeStep,
		Message: fmt.Sprintf("the step %s failed: %v", step, err),
		Remedy:  "look at the step's log",
	}
	var died Bereaved
	if errors.As(err, &died) {
		p.Excerpt = died.LastWords()
	}
	return p
}

func pythonProblem(step string, err PythonError) *Problem {
	typ, message, traceback := err.PythonError()
	name := typ[strings.LastIndexByte(typ, '.')+1:]
	if name == "DataError" || name == "StepError" { // see ftd_steps/errors.py
		cause, remedy, _ := strings.Cut(message, "\n")
		code := CodeStep
		if name == "DataError" {
			code = CodeData
		}
		return &Problem{Code: code, Message: cause, Remedy: remedy}
	}
	first, _, _ := strings.Cut(strings.TrimSpace(message), "\n")
	p := &Problem{
		Code:    CodePython,
		Message: fmt.Sprintf("the step %s raised %s: %s", step, name, first),
		Remedy:  "look at the traceback and at the step's log",
		Excerpt: tail(traceback, excerptLines),
	}
	// MindSpore's own message often says nothing, and a box of lines below it
	// everything: read the traceback as the log that it would have become.
	known := explain(traceback)
	switch {
	case known == nil:
	case known.Signature.ID == CodeDiskFull:
		return diskFull(step)
	default:
		said := shorten(known.Text)
		for _, prefix := range []string{typ, name} { // as it was printed, with its module or without
			said = strings.TrimPrefix(said, prefix+": ")
		}
		p.Message = fmt.Sprintf("the step %s raised %s: %s", step, name, said)
		if known.Signature.ID != logparse.IDException {
			p.Code, p.Remedy = known.Signature.ID, known.Signature.Remedy
			p.Message += " (" + known.Signature.Cause + ")"
		}
	}
	return p
}

// explain finds the error signature in a traceback, nil if there is none.
func explain(traceback []string) *logparse.Problem {
	var found []logparse.Problem
	note := func(r *logparse.Record) {
		if r.Kind == logparse.KindProblem {
			found = append(found, r.Problem)
		}
	}
	parser := logparse.NewParser()
	parser.Feed([]byte(strings.Join(traceback, "\n")+"\n"), note)
	parser.Flush(note)
	if len(found) == 0 {
		return nil
	}
	return &found[logparse.CauseOf(found)]
}

func diskFull(step string) *Problem {
	return &Problem{
		Code:    CodeDiskFull,
		Message: fmt.Sprintf("the disk became full in the step %s", step),
		Remedy:  "make room, then run the recipe again: what is done stays done",
	}
}

func tail(lines []string, n int) []string {
	return lines[max(0, len(lines)-n):]
}
