// Package yamledit sets values in a YAML file and keeps every other byte of it:
// comments, anchors, aliases, quotes and order.
//
//	text, err := yamledit.Edit(source, map[string]any{"runner_config.epochs": 3})
//
// It is made for the configs of mindformers, which people edit and compare: a
// value is written as PyYAML reads it, which is YAML 1.1.
package yamledit

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"ftd/recipe/nearest"
)

// Edit sets values in a YAML text by their paths ("a.b.0.c") and keeps
// every other byte. A path must exist; one that leads through an alias or a merge
// key changes the anchor's value, and of names that stand twice in a map the
// last counts, as for PyYAML. A value takes the type of the scalar it replaces,
// as PyYAML would read it, and its quotes; an integer may become any number. A
// list in brackets is replaced whole, by a list or by a text such as "[a, b]".
func Edit(source []byte, set map[string]any) ([]byte, error) {
	text, marked := bytes.CutPrefix(source, byteOrderMark)
	if err := shallow(text); err != nil {
		return nil, err
	}
	// The parser loses count of the lines that end as on Windows, which some
	// configs of mindformers do. What is edited is the source all the same.
	tree, err := parser.ParseBytes(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), parser.ParseComments, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, fmt.Errorf("not YAML: %w", err)
	}
	// "%YAML 1.1" counts as a document.
	docs := slices.DeleteFunc(tree.Docs, func(d *ast.DocumentNode) bool {
		_, directive := d.Body.(*ast.DirectiveNode)
		return directive
	})
	if len(docs) != 1 {
		return nil, fmt.Errorf("holds %d documents instead of one", len(docs))
	}
	doc := document{root: docs[0].Body, anchors: map[string]ast.Node{}}
	ast.Walk(&doc, doc.root)
	var changes []change
	for _, path := range slices.Sorted(maps.Keys(set)) {
		found, err := doc.find(path)
		if err != nil {
			return nil, err
		}
		c, err := found.replace(set[path])
		if err != nil {
			return nil, fmt.Errorf("%s %w", path, err)
		}
		changes = append(changes, c)
	}
	edited, err := apply(string(text), changes)
	if err != nil {
		return nil, err
	}
	if marked {
		edited = string(byteOrderMark) + edited
	}
	return []byte(edited), nil
}

// document is a parsed YAML file; as a visitor it notes the anchors.
type document struct {
	root    ast.Node
	anchors map[string]ast.Node
}

// Visit implements [ast.Visitor].
func (d *document) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok {
		d.anchors[a.Name.GetToken().Value] = a.Value
	}
	return d
}

// place is a value in a file, and the colon before it, if there is one.
type place struct {
	value ast.Node
	colon *token.Token
}

// find returns the place that a path leads to.
func (d *document) find(path string) (place, error) {
	at := place{value: d.root}
	var walked []string
	for rest := path; ; {
		where := "the file"
		if len(walked) > 0 {
			where = strings.Join(walked, ".")
		}
		children, names := d.children(at.value)
		name, after, more := step(rest, names)
		i := slices.Index(names, name)
		if i < 0 {
			return place{}, fmt.Errorf("%s has no %q (%s)", where, name, nearest.Remedy(name, names))
		}
		at = children[i]
		if !more {
			break
		}
		walked, rest = append(walked, name), after
	}
	at.value = d.resolve(at.value)
	return at, nil
}

// step takes the next name off a path. Names may hold points themselves, as the
// patterns of operators in a recompute_config do; the shortest that is there counts.
func step(path string, names []string) (name, rest string, more bool) {
	for i := 0; i <= len(path); i++ {
		if i < len(path) && path[i] != '.' || !slices.Contains(names, path[:i]) {
			continue
		}
		if i == len(path) {
			return path, "", false
		}
		return path[:i], path[i+1:], true
	}
	return strings.Cut(path, ".")
}

func (d *document) resolve(node ast.Node) ast.Node {
	for range len(d.anchors) + 3 { // each anchor once: "&a *a" leads to itself
		switch n := node.(type) {
		case *ast.AnchorNode:
			node = n.Value
		case *ast.TagNode:
			node = n.Value
		case *ast.AliasNode:
			target, ok := d.anchors[n.Value.GetToken().Value]
			if !ok {
				return node
			}
			node = target
		default:
			return node
		}
	}
	return node
}

// children returns what is below a map or a list, with the names; those in a
// list are its indices. What counts comes first: the last of several entries of
// one name, and what a merge key brings after all others.
func (d *document) children(node ast.Node) (children []place, names []string) {
	switch n := d.resolve(node).(type) {
	case *ast.MappingNode:
		return d.entries(n.Values)
	case *ast.MappingValueNode:
		return d.entries([]*ast.MappingValueNode{n})
	case *ast.SequenceNode:
		for i, v := range n.Values {
			children, names = append(children, place{value: v}), append(names, strconv.Itoa(i))
		}
	}
	return children, names
}

func (d *document) entries(values []*ast.MappingValueNode) (children []place, names []string) {
	var merged []ast.Node
	for _, v := range slices.Backward(values) {
		if _, merge := v.Key.(*ast.MergeKeyNode); merge {
			merged = append(merged, v.Value)
			continue
		}
		children, names = append(children, place{v.Value, v.Start}), append(names, v.Key.GetToken().Value)
	}
	for _, m := range merged {
		maps := []ast.Node{m}
		if list, ok := d.resolve(m).(*ast.SequenceNode); ok {
			maps = list.Values
		}
		for _, from := range maps {
			moreChildren, moreNames := d.children(from)
			children, names = append(children, moreChildren...), append(names, moreNames...)
		}
	}
	return children, names
}

// change replaces the text old, which begins at line and column (from 1, in
// runes), by text.
type change struct {
	line, column int
	old, text    string
	// end is the column of the bracket or quote that closes a text which is not
	// known otherwise; 0 for everything else.
	end int
	// quoted says that the text is in double quotes and ends where those do: the
	// parser loses the rest behind an escape such as \u4e2d.
	quoted bool
	// colon is the one before the value, nil in a list. The parser is a letter
	// off where blanks end a line: then it tells where the value begins.
	colon *token.Position
	// empty says that the value may not be written at all: "key:" alone. Then
	// text is put behind the colon.
	empty bool
}

// replace works out the change that gives a place another value.
func (p place) replace(value any) (change, error) {
	t := p.value.GetToken()
	c := change{line: t.Position.Line, column: t.Position.Column, old: strings.TrimSpace(t.Origin)}
	if p.colon != nil {
		c.colon = p.colon.Position
	}
	var err error
	switch n := p.value.(type) {
	case *ast.NullNode:
		c.text, c.empty = written(value), true
	case *ast.LiteralNode:
		return c, fmt.Errorf("is a block of lines, which cannot be set")
	case *ast.SequenceNode:
		if !n.IsFlowStyle {
			return c, fmt.Errorf("is a list of lines, which cannot be set as a whole")
		}
		if n.Start.Position.Line != n.End.Position.Line {
			return c, fmt.Errorf("goes over several lines, which cannot be set")
		}
		c.line, c.column, c.end = n.Start.Position.Line, n.Start.Position.Column, n.End.Position.Column
		c.old = "["
		c.text, err = list(value)
		return c, err
	case ast.ScalarNode:
		switch t.Type {
		case token.SingleQuoteType:
			c.text = "'" + strings.ReplaceAll(plain(value), "'", "''") + "'"
		case token.DoubleQuoteType:
			c.old, c.quoted, c.text = `"`, true, strconv.Quote(plain(value))
		default:
			c.text, err = typed(c.old, value)
		}
	default:
		return c, fmt.Errorf("is not a single value but %s", strings.ToLower(n.Type().String()))
	}
	if strings.Contains(c.old, "\n") {
		return c, fmt.Errorf("goes over several lines, which cannot be set")
	}
	return c, err
}

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
		runes := []rune(lines[c.line-1])
		at := c.column - 1
		if c.quoted {
			if c.end = closing(runes, at); c.end == 0 {
				return "", fmt.Errorf("line %d cannot be edited: what is in quotes there goes over several lines", c.line)
			}
		}
		switch {
		case c.end > 0 && c.end <= len(runes) && strings.ContainsRune("[\"", runes[at]):
			lines[c.line-1] = string(runes[:at]) + c.text + string(runes[c.end:])
		case c.end == 0 && at <= len(runes) && strings.HasPrefix(string(runes[at:]), c.old):
			lines[c.line-1] = string(runes[:at]) + c.text + string(runes[at:])[len(c.old):]
		case c.colon == nil || c.colon.Line != c.line:
			return "", misplaced(c)
		case c.end == 0 && strings.HasPrefix(strings.TrimLeft(string(runes[c.colon.Column:]), " "), c.old):
			before, after, _ := strings.Cut(string(runes[c.colon.Column:]), c.old)
			lines[c.line-1] = string(runes[:c.colon.Column]) + before + c.text + after
		case c.empty:
			at = c.colon.Column
			lines[c.line-1] = string(runes[:at]) + " " + c.text + string(runes[at:])
		default:
			return "", misplaced(c)
		}
	}
	return strings.Join(lines, ""), nil
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
