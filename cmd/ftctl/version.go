package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"ftd/api"
)

type versionOptions struct {
	wait time.Duration
}

// versions is what version -o json prints. Daemon is nil while there is none.
type versions struct {
	Version string       `json:"version"`
	API     int          `json:"api"`
	Daemon  *api.Version `json:"daemon"`
}

func newVersionCommand() *cobra.Command {
	var o versionOptions
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the versions of ftctl, the daemon and its Python",
		Long: `version prints what it knows and exits with status 3 if the daemon does not
answer. --wait waits for one that is starting. While code runs in the daemon's
Python, it says which, for how long, and what waits for it.`,
		Example: `  ftctl version
  ftctl version --wait 15s
  ftctl version -o json | jq -r .daemon.python`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runVersion(c, o) },
	}
	c.Flags().DurationVar(&o.wait, "wait", 0, "wait so long for a daemon that is starting")
	return c
}

func runVersion(c *cobra.Command, o versionOptions) error {
	if o.wait < 0 {
		return usageError("give a time such as 15s", "--wait cannot be less than nothing: %s", o.wait)
	}
	client := connect(c)
	client.Wait, client.Differs = o.wait, nil // it is said below
	defer client.Close()
	v := versions{Version: version, API: api.APIVersion}
	daemon, failure := client.GetVersion(c.Context())
	v.Daemon = daemon
	if wantJSON(c) {
		if err := printJSON(c.OutOrStdout(), v); err != nil {
			return err
		}
		return failure
	}
	t := tabwriter.NewWriter(c.OutOrStdout(), 0, 8, 3, ' ', 0)
	fmt.Fprintf(t, "ftctl\t%s\n", v.Version)
	if daemon != nil {
		fmt.Fprintf(t, "ftd\t%s (pid %d)\n", daemon.Version, daemon.PID)
		for _, f := range [][2]string{{"python", daemon.Python}, {"environment", daemon.Env}, {"state", daemon.State}} {
			if f[1] != "" {
				fmt.Fprintf(t, "%s\t%s\n", f[0], plain(f[1]))
			}
		}
		printCalls(t, daemon.Calls)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if daemon != nil {
		if words, remedy := api.Ages(version, daemon.Version); words != "" {
			say(c, "%s; %s", words, remedy)
		}
	}
	return failure
}

// printCalls prints what has the daemon's Python, and what waits for it.
func printCalls(w io.Writer, calls *api.Calls) {
	if calls == nil {
		return
	}
	if r := calls.Running; r != nil {
		fmt.Fprintf(w, "%s\t%s, for %s\n", calls.State, plain(r.What), took(time.Since(r.Since)))
	}
	for _, c := range calls.Waiting {
		fmt.Fprintf(w, "waiting\t%s, for %s\n", plain(c.What), took(time.Since(c.Since)))
	}
}
