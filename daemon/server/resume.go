package server

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

// A reader of logs whose daemon restarts is told where it was, and says so when
// it comes back: "train.1/rank_0.log=4096,train.1/step.log=120", the file it
// read from last being the first. A daemon that is killed tells nobody anything:
// whoever asks for pieces is told before each, "PLACE LENGTH", where it ends.

// nowhere is the place of a reader who found no file yet.
const nowhere = "-"

// place is where the reader is.
func (f *follower) place() string {
	at := maps.Clone(f.places) // also of files that were not opened again yet
	if at == nil {
		at = map[string]int64{}
	}
	latest := f.latest
	for _, g := range f.files {
		at[g.name] = g.read
	}
	if f.last != nil {
		latest = f.last.name
	}
	if len(at) == 0 {
		return nowhere
	}
	var parts []string
	for name, offset := range at {
		parts = append(parts, fmt.Sprintf("%s=%d", name, offset))
	}
	slices.SortFunc(parts, func(a, b string) int {
		switch {
		case strings.HasPrefix(a, latest+"="):
			return -1
		case strings.HasPrefix(b, latest+"="):
			return 1
		}
		return strings.Compare(a, b)
	})
	return strings.Join(parts, ",")
}

// resume reads the parameter that says where a reader was.
func (f *follower) resume(q *query) {
	text := q.values.Get("resume")
	if text == "" {
		return
	}
	f.places = map[string]int64{}
	if text == nowhere {
		return
	}
	for i, part := range strings.Split(text, ",") {
		name, number, _ := strings.Cut(part, "=")
		offset, err := strconv.ParseInt(number, 10, 64)
		if err != nil || offset < 0 {
			q.fail("resume=%s: it must be what the trailer of an earlier answer said", text)
			return
		}
		if i == 0 {
			f.latest = name
		}
		f.places[name] = offset
	}
}

// endsALine reports whether what comes before the offset ends a line.
func endsALine(file *os.File, offset int64) bool {
	var b [1]byte
	n, _ := file.ReadAt(b[:], max(0, offset-1))
	return offset == 0 || n == 1 && b[0] == '\n'
}
