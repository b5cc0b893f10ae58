package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// To compile all expressions of what ftctl links took longer than what most
// verbs do: each of them waits until it is used.
func TestNoExpressionIsCompiledBeforeItIsUsed(t *testing.T) {
	files := 0
	for _, room := range []string{"api", "checkpoint", "cmd/ftctl", "launcher", "logparse", "recipe"} {
		require.NoError(t, filepath.WalkDir(filepath.Join("..", "..", room), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			files++
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, path, nil, 0)
			require.NoError(t, err)
			for _, d := range file.Decls {
				if vars, ok := d.(*ast.GenDecl); ok {
					ast.Inspect(vars, func(n ast.Node) bool {
						_, later := n.(*ast.FuncLit)
						if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "MustCompile" {
							t.Errorf("%s: compiled when every program begins; put it into sync.OnceValue", set.Position(n.Pos()))
						}
						return !later
					})
				}
			}
			return nil
		}))
	}
	require.Greater(t, files, 100)
}
