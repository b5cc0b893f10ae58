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
