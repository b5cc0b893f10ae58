package main

import (
	"errors"
	"fmt"
	"strings"

	"ftd/api"
)

// The exit statuses of ftctl. exitTable describes them for people.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitUnreachable = 3
	exitNotFound    = 4
	exitDenied      = 5
	exitTimeout     = 6
	exitJob         = 7
	exitInterrupted = 130
)

// Codes of errors that arise in ftctl itself.
const (
	codeUsage       = "usage"       // the command line is wrong
	codeInterrupted = "interrupted" // by Ctrl-C or SIGTERM
)

// exitTable is the one table of exit statuses: help prints it, and a test
// compares docs/ftctl.md with it.
func exitTable() string {
	rows := []struct {
		status int
		means  string
	}{
		{exitOK, "ok"},
		{exitFailed, "failed; the message says why"},
		{exitUsage, "the command line, or the recipe it names, is wrong"},
		{exitUnreachable, "the daemon is not reachable, or does not answer"},
		{exitNotFound, "there is no such job, step or recipe"},
		{exitDenied, "not allowed"},
		{exitTimeout, "timed out"},
		{exitJob, "the job ended, but not successfully"},
		{exitInterrupted, "interrupted with Ctrl-C; a followed job goes on"},
	}
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&b, "  %3d  %s\n", r.status, r.means)
	}
	return b.String()
}

// exitStatus is where every failure becomes an exit status.
func exitStatus(err error) int {
	var silent verdict
	var ended *jobError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &silent):
		return int(silent)
	case errors.As(err, &ended):
		return exitJob
	}
	switch asError(err).Code {
	case codeUsage, api.CodeBadRequest, api.CodeRecipeInvalid:
		return exitUsage
	case api.CodeUnreachable, api.CodeHangs:
		return exitUnreachable
	case api.CodeNotFound:
		return exitNotFound
	case api.CodeDenied:
		return exitDenied
	case api.CodeTimeout:
		return exitTimeout
	case codeInterrupted:
		return exitInterrupted
	}
	return exitFailed
}

// verdict is an exit status that needs no words: what there is to say was
// printed on stdout already, such as a checkpoint that is not complete.
type verdict int

func (v verdict) Error() string { return fmt.Sprintf("exit status %d", int(v)) }

// jobError is a job that ended otherwise than well. It is apart from api.Error
// because whatever the job failed of, the command itself worked.
type jobError struct{ job api.Job }

func (e *jobError) Error() string { return e.Unwrap().Error() }

// Unwrap gives the job's own error, or a sentence for a job that ended without
// one, such as a stopped one.
func (e *jobError) Unwrap() error {
	if e.job.Error != nil {
		return e.job.Error
	}
	return api.Errorf("job-"+string(e.job.State), "job %s is %s", e.job.ID, e.job.State).
		WithRemedy("see what it did with: ftctl show %s", e.job.ID)
}

// usageError is a mistake in the command line; the remedy says what to type.
func usageError(remedy, format string, args ...any) error {
	return &api.Error{Code: codeUsage, Message: fmt.Sprintf(format, args...), Remedy: remedy}
}
