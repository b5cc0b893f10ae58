package recipe

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// editYAML sets scalars in a YAML text by their paths ("a.b.0.c") and keeps
// every other byte. A path must exist; one that leads through an alias changes
// the anchor's value. A value takes the type of the scalar it replaces, as
// PyYAML would read it, and its quotes.
func editYAML(source []byte, set map[string]any) ([]byte, error) {
	tree, err := parser.ParseBytes(source, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("not YAML: %w", err)
	}
	if len(tree.Docs) != 1 {
		return nil, fmt.Errorf("holds %d documents instead of one", len(tree.Docs))
	}
	doc := document{root: tree.Docs[0].Body, anchors: map[string]ast.Node{}}
	ast.Walk(&doc, doc.root)
	var changes []change
	for _, path := range sorted(set) {
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
	return apply(source, changes)
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
	for _, name := range strings.Split(path, ".") {
		where := "the file"
		if len(walked) > 0 {
			where = strings.Join(walked, ".")
		}
		children, names := d.children(at.value)
		i := slices.Index(names, name)
		if i < 0 {
			return place{}, fmt.Errorf("%s has no %q (%s)", where, name, didYouMean(name, names))
		}
		at = children[i]
		walked = append(walked, name)
	}
	at.value = d.resolve(at.value)
	return at, nil
}

func (d *document) resolve(node ast.Node) ast.Node {
	for {
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
}

// children returns what is below a map or a list, with the names; those in a
// list are its indices.
func (d *document) children(node ast.Node) (children []place, names []string) {
	switch n := d.resolve(node).(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			children, names = append(children, place{v.Value, v.Start}), append(names, v.Key.GetToken().Value)
		}
	case *ast.MappingValueNode:
		return []place{{n.Value, n.Start}}, []string{n.Key.GetToken().Value}
	case *ast.SequenceNode:
		for i, v := range n.Values {
			children, names = append(children, place{value: v}), append(names, strconv.Itoa(i))
		}
	}
	return children, names
}

// change replaces the text old, which begins at line and column (from 1, in
// runes), by text.
type change struct {
	line, column int
	old, text    string
	// orAfter is the colon behind which text is put if old, an empty value,
	// is not written at all; nil if it must be.
	orAfter *token.Position
}

// replace works out the change that gives a place another value.
func (p place) replace(value any) (change, error) {
	t := p.value.GetToken()
	c := change{line: t.Position.Line, column: t.Position.Column, old: strings.TrimSpace(t.Origin)}
	var err error
	switch n := p.value.(type) {
	case *ast.NullNode:
		c.text = scalar(value)
		if p.colon != nil { // "key:" with nothing behind it has no place of its own
			c.orAfter = p.colon.Position
		}
	case *ast.LiteralNode:
		return c, fmt.Errorf("is a block of lines, which cannot be set")
	case ast.ScalarNode:
		switch t.Type {
		case token.SingleQuoteType:
			c.text = "'" + strings.ReplaceAll(plain(value), "'", "''") + "'"
		case token.DoubleQuoteType:
			c.text = strconv.Quote(plain(value))
		default:
			c.text, err = typed(c.old, value)
		}
	default:
		return c, fmt.Errorf("is no single value but %s", strings.ToLower(n.Type().String()))
	}
	if strings.Contains(c.old, "\n") {
		return c, fmt.Errorf("goes over several lines, which cannot be set")
	}
	return c, err
}

// The numbers of PyYAML: an exponent needs a point before and a sign within.
var (
	yamlInteger = regexp.MustCompile(`^[-+]?[0-9][0-9_]*$`)
	yamlFloat   = regexp.MustCompile(`^[-+]?([0-9][0-9_]*\.[0-9_]*|\.[0-9]+)([eE][-+][0-9]+)?$`)
	yamlBool    = regexp.MustCompile(`^(true|True|TRUE|false|False|FALSE|yes|Yes|no|No|on|On|off|Off)$`)
	yamlNull    = regexp.MustCompile(`^(|~|null|Null|NULL)$`)
	yamlSafe    = regexp.MustCompile(`^[A-Za-z_./][A-Za-z0-9_./-]*$`)
)

// typed writes a value in the place of an unquoted one.
func typed(old string, value any) (string, error) {
	switch {
	case yamlInteger.MatchString(old):
		n, ok := integer(value)
		if !ok {
			return "", fmt.Errorf("must be an integer, not %s", describe(value))
		}
		return strconv.FormatInt(n, 10), nil
	case yamlFloat.MatchString(old):
		f, err := Param{Type: Number}.convert(value)
		if err != nil {
			return "", err
		}
		return floatText(f.(float64)), nil
	case yamlBool.MatchString(old):
		b, err := Param{Type: Bool}.convert(value)
		if err != nil {
			return "", err
		}
		if b.(bool) {
			return "True", nil
		}
		return "False", nil
	}
	return quoted(plain(value)), nil
}

// scalar writes a value by its own type, for a place that was empty.
func scalar(value any) string {
	switch v := value.(type) {
	case bool:
		if v {
			return "True"
		}
		return "False"
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return floatText(v)
	case string:
		if yamlInteger.MatchString(v) || yamlFloat.MatchString(v) || yamlBool.MatchString(v) {
			return v
		}
	}
	return quoted(plain(value))
}

func quoted(text string) string {
	if yamlSafe.MatchString(text) && !yamlBool.MatchString(text) && !yamlNull.MatchString(text) {
		return text
	}
	return strconv.Quote(text)
}

// floatText writes a number so that PyYAML reads it as a float.
func floatText(f float64) string {
	switch text := strconv.FormatFloat(f, 'g', -1, 64); {
	case math.IsInf(f, 0), math.IsNaN(f), yamlFloat.MatchString(text):
		return text
	case strings.Contains(text, "e"):
		return strings.Replace(text, "e", ".0e", 1)
	default:
		return text + ".0"
	}
}

func plain(value any) string {
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}

// apply makes the changes, from the last one to the first, so that the places
// of the others stay true.
func apply(source []byte, changes []change) ([]byte, error) {
	slices.SortFunc(changes, func(a, b change) int {
		if a.line != b.line {
			return b.line - a.line
		}
		return b.column - a.column
	})
	lines := strings.SplitAfter(string(source), "\n")
	for i, c := range changes {
		if i > 0 && c.line == changes[i-1].line && c.column == changes[i-1].column {
			if c.text != changes[i-1].text {
				return nil, fmt.Errorf("line %d is set to both %s and %s", c.line, c.text, changes[i-1].text)
			}
			continue
		}
		runes := []rune(lines[c.line-1])
		at := c.column - 1
		switch {
		case at <= len(runes) && strings.HasPrefix(string(runes[at:]), c.old):
			lines[c.line-1] = string(runes[:at]) + c.text + string(runes[at:])[len(c.old):]
		case c.orAfter != nil && c.orAfter.Line == c.line:
			at = c.orAfter.Column
			lines[c.line-1] = string(runes[:at]) + " " + c.text + string(runes[at:])
		default:
			return nil, fmt.Errorf("line %d cannot be edited: %q is not where the parser saw it", c.line, c.old)
		}
	}
	return []byte(strings.Join(lines, "")), nil
}
