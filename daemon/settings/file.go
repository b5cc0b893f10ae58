package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/spf13/pflag"

	"ftd/api"
	"ftd/recipe/nearest"
)

// file is the settings file, as text by key.
type file struct {
	path    string
	entries map[string]entry
}

type entry struct {
	text   string
	origin string // FILE:LINE
}

// configFile returns the settings file to read: the one that was named, which
// must exist, or the first of the usual ones that does.
func configFile(flags *pflag.FlagSet) (path string, named bool, err error) {
	if path = flags.Lookup("config").Value.String(); path == "" {
		path = os.Getenv("FTD_CONFIG")
	}
	if path != "" {
		path, err = filepath.Abs(path)
		return path, true, err
	}
	usual := []string{"/etc/ftd/ftd.yaml"}
	if dir, err := os.UserConfigDir(); err == nil {
		usual = append(usual, filepath.Join(dir, "ftd", "ftd.yaml"))
	}
	for _, path := range usual {
		if _, err := os.Stat(path); err == nil {
			return path, false, nil
		}
	}
	return "", false, nil
}

// readFile reads the settings file. A key nobody knows is refused: a mistyped
// one that was silently ignored would be found much later.
func readFile(path string, named bool, keys []key) (*file, error) {
	f := &file{entries: map[string]entry{}}
	if path == "" {
		return f, nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return f, nil
	}
	if err != nil {
		return nil, api.Errorf(api.CodeSettings, "the settings file cannot be read: %v", err).
			WithRemedy("name another one with --config or FTD_CONFIG, or open it to yourself")
	}
	f.path = path
	tree, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, api.Errorf(api.CodeSettings, "%s is not YAML: %s", path, yaml.FormatError(err, false, false)).
			WithRemedy("correct it: each line is `key: value`, and `ftd config` lists the keys")
	}
	for _, doc := range tree.Docs {
		if err := f.add(doc.Body, keys); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (f *file) add(body ast.Node, keys []key) error {
	var pairs []*ast.MappingValueNode
	switch n := body.(type) {
	case nil, *ast.CommentGroupNode, *ast.NullNode:
		return nil
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	default:
		return api.Errorf(api.CodeSettings, "%s: the settings file must be lines of `key: value`", f.path).
			WithRemedy("correct it; `ftd config` lists the keys")
	}
	for _, pair := range pairs {
		name := pair.Key.GetToken().Value
		at := fmt.Sprintf("%s:%d", f.path, pair.Key.GetToken().Position.Line)
		if !known(name, keys) {
			return unknown(name, at, keys)
		}
		scalar, ok := pair.Value.(ast.ScalarNode)
		if !ok {
			return api.Errorf(api.CodeSettings, "%s: %s must be a single value", at, name).WithRemedy("write: %s: VALUE", name)
		}
		text := scalar.GetToken().Value
		if _, null := pair.Value.(*ast.NullNode); null {
			text = ""
		}
		if _, twice := f.entries[name]; twice {
			return api.Errorf(api.CodeSettings, "%s: %s is set twice", at, name).WithRemedy("remove one of the lines")
		}
		f.entries[name] = entry{text: text, origin: at}
	}
	return nil
}

func known(name string, keys []key) bool {
	for _, k := range keys {
		if k.name == name {
			return true
		}
	}
	return false
}

func unknown(name, at string, keys []key) error {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	e := api.Errorf(api.CodeSettings, "%s: there is no setting %q", at, name)
	if nearest.To(name, names) == "" {
		return e.WithRemedy("`ftd config` lists the settings")
	}
	return e.WithRemedy("%s", nearest.Remedy(name, names))
}
