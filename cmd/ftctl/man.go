//go:build man

package main

import (
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// buildVerbs are verbs that only building ftd needs; the library behind this one
// would make every ftctl larger.
func buildVerbs() []*cobra.Command { return []*cobra.Command{newManCommand()} }

func newManCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "man DIRECTORY",
		Hidden: true, // users have no such verb
		Short:  "Write the manual pages of all verbs",
		Long: `man writes a page for each verb, ftctl.1, ftctl-run.1 and so on, into a directory,
which is made if it is not there. scripts/build.sh calls it.`,
		Example: `  ftctl man ~/.local/share/man/man1`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fileError(err)
			}
			return writeManual(c.Root(), args[0])
		},
	}
}

// writeManual writes the pages without a date, so that they are the same
// whenever they are made from the same sources.
func writeManual(root *cobra.Command, dir string) error {
	root.DisableAutoGenTag = true
	root.InitDefaultCompletionCmd()
	return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "ftctl " + version, Manual: "ftd", Date: &time.Time{}}, dir)
}
