package main

import (
	"fmt"
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
answer. --wait waits for one that is starting.`,
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
