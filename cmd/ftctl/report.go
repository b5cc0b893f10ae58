package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"ftd/api"
	"ftd/recipe"
)

// printJSON writes v as the data of a command.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// asError gives any failure the form that people and scripts read: a code, a
// message, a remedy.
func asError(err error) *api.Error {
	var known *api.Error
	var problem *recipe.Problem
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &problem):
		return &api.Error{Code: problem.Code, Message: problem.Message, Remedy: problem.Remedy,
			Source: problem.Source, Excerpt: problem.Excerpt}
	case errors.Is(err, context.DeadlineExceeded):
		return api.Errorf(api.CodeTimeout, "timed out").WithRemedy("give it longer, or look at what it waits for with: ftctl ps")
	case errors.Is(err, context.Canceled):
		return api.Errorf(codeInterrupted, "interrupted")
	}
	return api.Errorf(api.CodeInternal, "%s", err)
}

// printError says on stderr what went wrong. A verdict says nothing: it was
// printed as data. Nor does a job that ended badly say it twice to a person:
// its ending was shown.
func printError(w io.Writer, err error, asJSON bool, p palette) {
	var silent verdict
	var ended *jobError
	var detached *detachedError
	switch {
	case errors.As(err, &silent):
	case asJSON:
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(asError(err)) // nobody is left to tell when stderr is closed
	case errors.As(err, &detached):
		fmt.Fprintln(w, detached)
	case errors.As(err, &ended):
	case errors.Is(err, context.Canceled):
	default:
		writeError(w, asError(err), p)
	}
}

// writeError is how an error looks everywhere: the sentence, what shows it,
// what to do next.
func writeError(w io.Writer, e *api.Error, p palette) {
	fmt.Fprintln(w, p.red("error: ")+plain(e.Message))
	for _, line := range e.Excerpt {
		fmt.Fprintln(w, p.dim("  | ")+plain(line))
	}
	if e.Source != "" && !strings.Contains(e.Message, e.Source) {
		fmt.Fprintln(w, "  seen in: "+plain(e.Source))
	}
	if e.Remedy != "" {
		fmt.Fprintln(w, "  what to do: "+plain(e.Remedy))
	}
}

// escapes matches the sequences that programs colour their output with.
var escapes = regexp.MustCompile(`\x1b\[[0-9;:?]*[ -/]*[@-~]`)

// plain makes text from elsewhere (a log, a file name) safe to show on a
// terminal: control characters would move the cursor or change its colours.
func plain(s string) string {
	if strings.ContainsRune(s, '\x1b') {
		s = escapes.ReplaceAllString(s, "")
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n':
			return r
		case r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0):
			return -1
		}
		return r
	}, s)
}
