package recipe

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"ftd/recipe/nearest"

	"github.com/goccy/go-yaml/ast"
)

// keys returns the entries of a mapping that may have only the known keys.
func (r *reader) keys(node ast.Node, path, what string, known ...string) ([]entry, error) {
	entries, err := r.entries(node, path, what)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !slices.Contains(known, e.key) {
			return nil, e.at.invalid(nearest.Remedy(e.key, known), "%s has no key %q", what, e.key)
		}
	}
	return entries, nil
}

func (r *reader) entries(node ast.Node, path, what string) ([]entry, error) {
	var values []*ast.MappingValueNode
	switch n := node.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	case *ast.NullNode:
		return nil, nil
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		return nil, r.unknownSyntax(node)
	default:
		return nil, r.at(node).invalid("write KEY: VALUE", "%s must be a map", what)
	}
	entries := make([]entry, 0, len(values))
	for _, v := range values {
		key, ok := v.Key.(ast.ScalarNode)
		if _, merge := v.Key.(*ast.MergeKeyNode); merge || !ok {
			return nil, r.at(v.Key).invalid("use a plain name", "this cannot be a key")
		}
		e := entry{key: fmt.Sprint(key.GetValue()), at: r.at(v.Key), value: v.Value}
		e.path = e.key
		if path != "" {
			e.path = path + "." + e.key
		}
		r.recipe.at[e.path] = r.at(v.Value)
		entries = append(entries, e)
	}
	return entries, nil
}

// value returns a parameter: scalars, lists and maps of them.
func (r *reader) value(node ast.Node, path string) (any, error) {
	r.recipe.at[path] = r.at(node)
	switch n := node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return r.values(node, path)
	case *ast.SequenceNode:
		list := make([]any, len(n.Values))
		for i, v := range n.Values {
			var err error
			if list[i], err = r.value(v, fmt.Sprintf("%s.%d", path, i)); err != nil {
				return nil, err
			}
		}
		return list, nil
	case *ast.NullNode:
		return nil, nil
	case *ast.BoolNode:
		return n.Value, nil
	case *ast.FloatNode:
		return n.Value, nil
	case *ast.IntegerNode:
		switch v := n.Value.(type) {
		case int64:
			return v, nil
		case uint64:
			if v <= math.MaxInt64 {
				return int64(v), nil
			}
		}
		return nil, r.at(node).invalid("use a smaller one", "the number is too large")
	case *ast.StringNode, *ast.LiteralNode:
		return scalarText(n), nil
	}
	return nil, r.unknownSyntax(node)
}

// unknownSyntax refuses what YAML has and a recipe has not: anchors, aliases, tags.
func (r *reader) unknownSyntax(node ast.Node) error {
	return r.at(node).invalid("write the value itself", "a recipe knows no %s", strings.ToLower(node.Type().String()))
}

func (r *reader) values(node ast.Node, path string) (map[string]any, error) {
	entries, err := r.entries(node, path, "with")
	if err != nil {
		return nil, err
	}
	m := make(map[string]any, len(entries))
	for _, e := range entries {
		if m[e.key], err = r.value(e.value, e.path); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// text returns a scalar as it is written.
func (r *reader) text(e entry) (string, error) {
	switch n := e.value.(type) {
	case *ast.StringNode, *ast.LiteralNode:
		return scalarText(n), nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return e.value.GetToken().Value, nil
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		return "", r.unknownSyntax(n)
	}
	return "", r.at(e.value).invalid("write a text", "%q must be a text", e.key)
}

func scalarText(node ast.Node) string {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	}
	return node.String()
}

func (r *reader) name(e entry, pattern *regexp.Regexp, rule string) (string, error) {
	name, err := r.text(e)
	if err == nil && !pattern.MatchString(name) {
		err = r.at(e.value).invalid("use "+rule, "%s cannot be %s", e.key, strconv.Quote(name))
	}
	return name, err
}

func (r *reader) names(e entry) ([]string, error) {
	list, ok := e.value.(*ast.SequenceNode)
	if !ok {
		return nil, r.at(e.value).invalid("write [ID, ...]", "%q must be a list of step ids", e.key)
	}
	names := make([]string, len(list.Values)) // not nil: an empty list says something
	for i, node := range list.Values {
		path := fmt.Sprintf("%s.%d", e.path, i)
		r.recipe.at[path] = r.at(node)
		var err error
		if names[i], err = r.text(entry{key: e.key, value: node}); err != nil {
			return nil, err
		}
	}
	return names, nil
}

func (r *reader) at(node ast.Node) position { return positionOf(r.file, node) }
