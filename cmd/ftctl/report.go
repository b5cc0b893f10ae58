package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"ftd/api"
	"ftd/logparse"
	"ftd/recipe"
	"ftd/recipe/expression"
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
//
// Every error ends in what to do next: one that came without gets that of its
// kind.
func asError(err error) *api.Error {
	e := knownError(err)
	if e.Remedy != "" || e.Code == codeInterrupted {
		return e
	}
	own := *e
	own.Remedy = nextStep(e.Code)
	return &own
}

// nextStep is what to do about an error of which no more is known.
func nextStep(code string) string {
	switch code {
	case codeUsage, api.CodeBadRequest, api.CodeTooLarge:
		return "see the verb's --help for what it takes"
	case api.CodeUnreachable:
		return "start the daemon: ftctl up"
	case api.CodeNotFound, api.CodeConflict:
		return "see which jobs there are and how they stand: ftctl ps -a"
	case api.CodeDenied:
		return "ask the owner of the daemon, or see the settings group and read_for_others: ftctl config"
	case api.CodeDiskFull:
		return "free some space where the daemon keeps its state: ftctl config shows where"
	case api.CodeCheckpointBroken:
		return "use another one; see which are complete with: ftctl ckpt ls DIRECTORY"
	case api.CodeRecipeInvalid:
		return "correct the recipe and check it: ftctl recipe validate FILE"
	}
	return "the daemon's log says more; ftctl doctor looks for what is wrong here"
}

func knownError(err error) *api.Error {
	var known *api.Error
	var problem *recipe.Problem
	var file *fs.PathError
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
	case errors.Is(err, syscall.ENOSPC):
		return api.Errorf(api.CodeDiskFull, "%s", err).WithRemedy("free some space where this is written to")
	case errors.As(err, &file): // one of ours; the daemon's come as answers
		return api.Errorf(api.CodeInternal, "%s", err).WithRemedy("see whether it is there and you may use it: ls -ld %s", filepath.Dir(file.Path))
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
		fmt.Fprintln(w, words(locale(), "  what to do: ", "  怎么办：")+plain(remedyOf(e, locale())))
	}
}

// remedyOf is the remedy in the language of a locale, if the error is one of
// the built-in signatures.
func remedyOf(e *api.Error, locale string) string {
	if words(locale, "en", "zh") == "en" {
		return e.Remedy // as it is; to read the table takes longer than most of what fails
	}
	if s := logparse.Signatures().Lookup(e.Code); s != nil && s.Remedy == e.Remedy {
		_, remedy := s.Text(locale)
		return remedy
	}
	return e.Remedy
}

// escapes matches the sequences that programs colour their output with.
var escapes = expression.Lazily(`\x1b\[[0-9;:?]*[ -/]*[@-~]`)

// plain makes text from elsewhere (a log, a file name) safe to show on a
// terminal: control characters would move the cursor or change its colours.
func plain(s string) string {
	if strings.ContainsRune(s, '\x1b') {
		s = escapes().ReplaceAllString(s, "")
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
