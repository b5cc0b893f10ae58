//go:build man

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

func TestEveryVerbHasAManualPage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man1")
	_, talk, status := run(t, "man", dir)
	require.Zero(t, status, talk)
	pages, err := os.ReadDir(dir)
	require.NoError(t, err)
	var got, want []string
	for _, p := range pages {
		got = append(got, p.Name())
	}
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Name() == "help" || c.Hidden {
			return
		}
		want = append(want, strings.ReplaceAll(c.CommandPath(), " ", "-")+".1")
		if c.HasParent() && !c.HasSubCommands() && c.Parent().Name() != "completion" {
			require.NotEmpty(t, c.Example, "%s has examples", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	root := newRootCommand()
	root.InitDefaultCompletionCmd()
	walk(root)
	require.ElementsMatch(t, want, got)
}
