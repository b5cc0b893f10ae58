package yamledit

import (
	"fmt"
	"slices"
	"strings"
)

// apply makes the changes, from the last one to the first, so that the places
// of the others stay true.
func apply(source string, changes []change) (string, error) {
	slices.SortFunc(changes, func(a, b change) int {
		if a.line != b.line {
			return b.line - a.line
		}
		return b.column - a.column
	})
	lines := split(source)
	for i, c := range changes {
		if i > 0 && c.line == changes[i-1].line && c.column == changes[i-1].column {
			if c.text != changes[i-1].text {
				return "", fmt.Errorf("line %d is set to both %s and %s", c.line, c.text, changes[i-1].text)
			}
			continue
		}
		if c.line > len(lines) {
			return "", misplaced(c)
		}
		var err error
		if lines[c.line-1], err = c.in([]rune(lines[c.line-1])); err != nil {
			return "", err
		}
	}
	return strings.Join(lines, ""), nil
}

// in is a line with the change made.
func (c change) in(line []rune) (string, error) {
	at := c.column - 1
	if c.quoted {
		if c.end = closing(line, at); c.end == 0 {
			return "", fmt.Errorf("line %d cannot be edited: what is in quotes there goes over several lines", c.line)
		}
	}
	switch {
	case c.end > 0 && c.end <= len(line) && strings.ContainsRune("[\"", line[at]):
		return string(line[:at]) + c.text + string(line[c.end:]), nil
	case c.end == 0 && at <= len(line) && strings.HasPrefix(string(line[at:]), c.old):
		return string(line[:at]) + c.text + string(line[at:])[len(c.old):], nil
	case c.colon == nil || c.colon.Line != c.line:
		return "", misplaced(c)
	case c.end == 0 && strings.HasPrefix(strings.TrimLeft(string(line[c.colon.Column:]), " "), c.old):
		before, after, _ := strings.Cut(string(line[c.colon.Column:]), c.old)
		return string(line[:c.colon.Column]) + before + c.text + after, nil
	case c.empty:
		at = c.colon.Column
		return string(line[:at]) + " " + c.text + string(line[at:]), nil
	}
	return "", misplaced(c)
}

func misplaced(c change) error {
	return fmt.Errorf("line %d cannot be edited: %q is not where the parser saw it", c.line, c.old)
}

// closing is the column of the quote that closes the double one at an index;
// 0 if it is not in this line.
func closing(line []rune, at int) int {
	if at >= len(line) || line[at] != '"' {
		return 0
	}
	for i := at + 1; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

// split returns the lines of a text with their ends: "\n", "\r\n", or "\r" alone,
// which counts as one in YAML.
func split(text string) []string {
	var lines []string
	begin := 0
	for i := range len(text) {
		if text[i] == '\n' || text[i] == '\r' && (i+1 == len(text) || text[i+1] != '\n') {
			lines, begin = append(lines, text[begin:i+1]), i+1
		}
	}
	return append(lines, text[begin:])
}
