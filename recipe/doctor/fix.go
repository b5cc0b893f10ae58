package doctor

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// run changes the environment's packages with pip.
func (e *environment) run(ctx context.Context, commands ...string) error {
	for _, words := range commands {
		cmd := exec.CommandContext(ctx, filepath.Join(e.prefix, "bin", "python"), append([]string{"-m", "pip"}, strings.Fields(words)...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			return fmt.Errorf("%s: %w: %s", cmd, err, lines[len(lines)-1])
		}
	}
	return nil
}

// install mends by installing packages, each as pip names it.
func (e *environment) install(packages ...string) *Fix {
	return &Fix{Does: e.pip("install " + quotedAll(packages)), Do: func(ctx context.Context) error { return e.run(ctx, "install "+strings.Join(packages, " ")) }}
}

// withoutChannels takes the list of channels out of a .condarc, which is kept
// beside it as it was.
func withoutChannels(file string, text []byte) error {
	tree, err := parser.ParseBytes(text, parser.ParseComments)
	if err != nil {
		return err
	}
	lines := strings.SplitAfter(string(text), "\n")
	var kept strings.Builder
	skip := false
	for i, line := range lines {
		if key, ok := keyAt(tree, i+1); ok {
			skip = key == "channels"
		}
		if !skip || strings.HasPrefix(line, "#") { // a comment may belong to what comes next
			kept.WriteString(line)
		}
	}
	if !sameBut(text, []byte(kept.String()), "channels") {
		return fmt.Errorf("%s is written in a way in which ftd cannot take channels out alone; take them out by hand", file)
	}
	if err := os.WriteFile(file+".before-ftd", text, 0o600); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(kept.String()), 0o600)
}

// sameBut says whether two settings are the same but for one key, which the
// second lacks.
func sameBut(before, after []byte, key string) bool {
	var one, two map[string]any
	if yaml.Unmarshal(before, &one) != nil || yaml.Unmarshal(after, &two) != nil {
		return false
	}
	delete(one, key)
	return len(one) == len(two) && (len(one) == 0 || reflect.DeepEqual(one, two))
}

// keyAt returns the key of the top level that begins in a line.
func keyAt(tree *ast.File, line int) (string, bool) {
	for _, doc := range tree.Docs {
		var values []*ast.MappingValueNode
		switch n := doc.Body.(type) {
		case *ast.MappingNode:
			values = n.Values
		case *ast.MappingValueNode:
			values = []*ast.MappingValueNode{n}
		}
		for _, v := range values {
			if t := v.Key.GetToken(); t.Position.Line == line {
				return t.Value, true
			}
		}
	}
	return "", false
}
