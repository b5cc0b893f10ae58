package yamledit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"ftd/recipe/nearest"
)

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
