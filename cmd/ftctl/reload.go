package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func newReloadCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "reload",
		Short: "Make the daemon read its settings again",
		Long: `reload makes the daemon read its settings file again, and the file that says whom
to notify, as SIGHUP does. It prints what has changed, and what waits for ftctl
restart. If anything in the files is wrong, nothing changes, the exit status is 1,
and the error names the line.`,
		Example: `  ftctl reload`,
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return runReload(c) },
	}
}

func runReload(c *cobra.Command) error {
	client := connect(c)
	defer client.Close()
	read, err := client.Reload(c.Context())
	if err != nil {
		return err
	}
	w := c.OutOrStdout()
	if wantJSON(c) {
		return printJSON(w, read)
	}
	if len(read.Changed)+len(read.Waiting) == 0 {
		fmt.Fprintln(w, "read again; no setting has changed")
	}
	if len(read.Changed) > 0 {
		fmt.Fprintln(w, "changed:", strings.Join(read.Changed, ", "))
	}
	if len(read.Waiting) > 0 {
		fmt.Fprintln(w, "waiting for ftctl restart:", strings.Join(read.Waiting, ", "))
	}
	return nil
}
