package devices

import (
	"regexp"
	"strings"
	"sync"
)

// phrases are the names of columns that hold spaces, longest first. All other
// names are single words.
var phrases = []string{"process id in container", "process memory(mb)", "process name", "process id", "npu util(%)", "npu id"}

// columnNames splits a cell of a header into the names of its columns, in
// lower case.
func columnNames(cell string) []string {
	rest := strings.Join(strings.Fields(strings.ToLower(cell)), " ")
	var names []string
next:
	for rest != "" {
		for _, p := range phrases {
			after, ok := strings.CutPrefix(rest, p)
			if ok && (after == "" || after[0] == ' ') {
				names, rest = append(names, p), strings.TrimSpace(after)
				continue next
			}
		}
		word, after, _ := strings.Cut(rest, " ")
		names, rest = append(names, word), after
	}
	return names
}

// amount is a value in two numbers, such as "3416 / 65536": one column.
var amount = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(\S+?)\s*/\s*(\S+)`) })

// values splits a cell below columns of these names. The name of a chip may
// hold a space; no other value does.
func values(cell string, names []string) map[string]string {
	row := map[string]string{}
	if len(names) == 1 {
		row[names[0]] = strings.TrimSpace(cell)
		return row
	}
	words := strings.Fields(amount().ReplaceAllString(cell, "$1/$2"))
	for i, name := range names {
		if len(words) == 0 {
			break
		}
		n := 1
		if surplus := len(words) - (len(names) - i); name == "name" && surplus > 0 {
			n += surplus
		}
		row[name] = strings.Join(words[:n], " ")
		words = words[n:]
	}
	return row
}

// cells splits a line of the table; nil if it is none.
func cells(line string) []string {
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "|") {
		return nil
	}
	list := strings.Split(strings.Trim(line, "|"), "|")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return list
}

// header is one line of column names: for each cell the names in it.
type header [][]string

func newHeader(row []string) header {
	h := make(header, len(row))
	for i, cell := range row {
		h[i] = columnNames(cell)
	}
	return h
}

func (h header) has(name string) bool {
	for _, names := range h {
		for _, n := range names {
			if n == name {
				return true
			}
		}
	}
	return false
}

// begins says whether the first column has this name.
func (h header) begins(name string) bool { return len(h[0]) > 0 && h[0][0] == name }

// read reads a line of values below the header.
func (h header) read(row []string) map[string]string {
	all := map[string]string{}
	for i, names := range h {
		if i < len(row) && len(names) > 0 {
			for name, v := range values(row[i], names) {
				all[name] = v
			}
		}
	}
	return all
}
