package main

import (
	"regexp"
	"time"

	"ftd/recipe/expression"
)

// lineFilter picks the lines of a log that --since and --grep ask for.
type lineFilter struct {
	since time.Time      // zero: of any time
	grep  *regexp.Regexp // nil: of any words
	loc   *time.Location // of times without a zone, as MindSpore writes them

	recent bool // the newest time that was seen is not before since
	timed  bool // a line with a time was seen
	shown  int
}

func newLineFilter(since, grep string, now time.Time) (*lineFilter, error) {
	f := &lineFilter{loc: time.Local}
	if since != "" {
		t, err := readSince(since, now)
		if err != nil {
			return nil, err
		}
		f.since = t
	}
	if grep != "" {
		re, err := regexp.Compile(grep)
		if err != nil {
			return nil, usageError(`put a backslash before a sign that is meant as it is: --grep '\[ERROR\]'`, "--grep: %s", err)
		}
		f.grep = re
	}
	return f, nil
}

// readSince reads "10m", "2026-03-01T12:00:00Z" or "2026-03-01 12:00".
func readSince(word string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(word); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	if t, err := time.Parse(time.RFC3339, word); err == nil {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, word, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usageError("write: --since 10m, --since 2h30m or --since 2026-03-01T12:00:00Z", "--since %q is neither a duration nor a time", word)
}

// all says that nothing is left out.
func (f *lineFilter) all() bool { return f.since.IsZero() && f.grep == nil }

// stamp is the time in a line, as Python's logging, mindformers, MindSpore
// ("2026-03-01-12:00:00.123.456") and RFC 3339 write it.
var stamp = expression.Lazily(`\b(\d{4}-\d\d-\d\d)[ T-](\d\d:\d\d:\d\d)(?:[.,]\d+)*(Z|[+-]\d\d:\d\d)?`)

// stampWithin is how far from its beginning a line's own time is.
const stampWithin = 160

// file begins another log: its lines are as old as they say.
func (f *lineFilter) file() { f.recent = false }

// wants says whether a line is to be shown. A line without a time, such as one
// of a traceback, belongs to the one before it.
func (f *lineFilter) wants(line string) bool {
	if !f.since.IsZero() {
		if t, ok := timeOf(line, f.loc); ok {
			f.timed, f.recent = true, !t.Before(f.since.Truncate(time.Second))
		}
		if !f.recent {
			return false
		}
	}
	if f.grep != nil && !f.grep.MatchString(line) {
		return false
	}
	f.shown++
	return true
}

func timeOf(line string, loc *time.Location) (time.Time, bool) {
	m := stamp().FindStringSubmatch(line[:min(len(line), stampWithin)])
	if m == nil {
		return time.Time{}, false
	}
	t, err := time.ParseInLocation(time.DateTime, m[1]+" "+m[2], loc)
	if m[3] != "" {
		t, err = time.Parse(time.RFC3339, m[1]+"T"+m[2]+m[3])
	}
	return t, err == nil
}

// nothing says why no line was shown.
func (f *lineFilter) nothing() string {
	switch {
	case !f.since.IsZero() && !f.timed:
		return "no line of the log says when it was written, so --since shows none; see the end of it with: --tail 50"
	case f.grep != nil && !f.since.IsZero():
		return "no line since then matches"
	case f.grep != nil:
		return "no line matches"
	}
	return "no line is that new"
}
