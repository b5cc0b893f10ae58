//go:build python

package pybridge

import (
	"bytes"
	"strings"
)

// longestLine is where a line without an end is cut.
const longestLine = 64 * 1024

// lineCutter makes lines of bytes. A progress bar that rewrites its line with
// "\r" counts as its last state.
type lineCutter struct {
	partial []byte
	shown   string // the state of a bar that was told last
}

// add returns the lines that chunk completes.
func (c *lineCutter) add(chunk []byte) []string {
	var lines []string
	for len(chunk) > 0 {
		i := bytes.IndexByte(chunk, '\n')
		if i < 0 {
			c.partial = append(c.partial, chunk...)
			break
		}
		c.partial = append(c.partial, chunk[:i]...)
		lines = append(lines, lastState(c.partial))
		c.partial, c.shown = c.partial[:0], ""
		chunk = chunk[i+1:]
	}
	if len(c.partial) > longestLine {
		if i := bytes.LastIndexByte(c.partial, '\r'); i > 0 {
			c.partial = append(c.partial[:0], c.partial[i:]...)
		} else {
			lines = append(lines, c.rest())
		}
	}
	return lines
}

// bar returns the present state of an unfinished progress bar, if it is new.
func (c *lineCutter) bar() string {
	if !bytes.ContainsRune(c.partial, '\r') {
		return ""
	}
	state := lastState(c.partial)
	if state == c.shown {
		return ""
	}
	c.shown = state
	return state
}

// rest returns what has no end and forgets it.
func (c *lineCutter) rest() string {
	line := lastState(c.partial)
	if line == c.shown {
		line = ""
	}
	c.partial, c.shown = c.partial[:0], ""
	return line
}

func lastState(line []byte) string {
	line = bytes.TrimRight(line, "\r")
	if i := bytes.LastIndexByte(line, '\r'); i >= 0 {
		line = line[i+1:]
	}
	return strings.ToValidUTF8(string(line), "\uFFFD")
}
