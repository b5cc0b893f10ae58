package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/mattn/go-runewidth"

	"ftd/api"
)

// took says how long something took: "0.4 s", "3 min 20 s", "2 h 05 min".
func took(d time.Duration) string {
	switch {
	case d < 0:
		return "0 s"
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d d %d h", int(d.Hours())/24, int(d.Hours())%24)
}

// clock is a running clock: "00:07", "1:02:03".
func clock(d time.Duration) string {
	s := max(int(d.Seconds()), 0)
	if s < 3600 {
		return fmt.Sprintf("%02d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// left is a time still to go: "0:02", "1:02:03".
func left(seconds float64) string {
	if math.IsNaN(seconds) || seconds > 1e9 {
		return "?"
	}
	text := clock(time.Duration(math.Ceil(seconds)) * time.Second)
	if len(text) == len("00:00") {
		text = strings.TrimPrefix(text, "0")
	}
	return text
}

// ago is a moment in human words, "-" for none.
func ago(t *time.Time, now time.Time) string {
	if t == nil || t.IsZero() {
		return "-"
	}
	return humanize.RelTime(*t, now, "ago", "from now")
}

// size is a number of bytes in human words.
func size(bytes int64) string { return humanize.Bytes(uint64(max(bytes, 0))) }

// number writes a measured value with the digits that a person compares; what
// is not finite looks as it does in JSON.
func number(f api.Float) string {
	v := float64(f)
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	case v == 0:
		return "0"
	case math.Abs(v) >= 1e6 || math.Abs(v) < 1e-2:
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	return strconv.FormatFloat(v, 'f', 3, 64)
}

// setting writes a value that is set rather than measured, such as a learning
// rate, in its shortest form; "-" where it is not known.
func setting(f *api.Float) string {
	switch {
	case f == nil:
		return "-"
	case !finite(*f):
		return number(*f)
	}
	return strconv.FormatFloat(float64(*f), 'g', 6, 64)
}

// finite says whether f can be calculated with.
func finite(f api.Float) bool { return !math.IsNaN(float64(f)) && !math.IsInf(float64(f), 0) }

// cells counts the columns of a terminal that text takes. In a Chinese locale
// runewidth would count two for each sign of a picture and for the "…", but no
// terminal of today draws them so wide, and neither do those who make the
// pictures and draw the screen count so.
var cells = &runewidth.Condition{StrictEmojiNeutral: true}

// fit makes s one line of at most so many columns.
func fit(s string, columns int) string {
	if columns <= 0 {
		return ""
	}
	s = strings.NewReplacer("\n", " ", "\t", " ").Replace(s)
	return cells.Truncate(s, columns, "…")
}

// wrap makes lines of at most so many columns of a line: in a log the end of
// a line matters most.
func wrap(s string, columns int) []string {
	s = strings.ReplaceAll(s, "\t", " ")
	if columns < 2 { // no Chinese character would fit
		return []string{fit(s, columns)}
	}
	return strings.Split(cells.Wrap(s, columns), "\n")
}

// pad fills s with spaces up to a number of columns.
func pad(s string, columns int) string { return cells.FillRight(s, columns) }

// between is the time from start to end, or to now while there is no end.
func between(start, end *time.Time, now time.Time) time.Duration {
	if start == nil {
		return 0
	}
	if end != nil {
		now = *end
	}
	return now.Sub(*start)
}

// shortIDs returns how long a job's id is shown: long enough to tell the
// listed jobs apart, never shorter than its part that is the time.
func shortIDs(jobs []api.Job) int {
	const least = 10
	n := least
	for i := range jobs {
		for j := range i {
			n = max(n, commonPrefix(jobs[i].ID, jobs[j].ID)+1)
		}
	}
	return n
}

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func shortID(id string, n int) string { return id[:min(n, len(id))] }
