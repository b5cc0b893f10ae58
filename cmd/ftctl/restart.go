package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"ftd/api"
)

type restartOptions struct {
	noWait bool
}

func newRestartCommand() *cobra.Command {
	var o restartOptions
	c := &cobra.Command{
		Use:   "restart",
		Short: "Restart the daemon in place; no training or follower notices",
		Long: `restart makes the daemon begin anew in the same process: it reads all settings,
becomes the version that is installed now, and gives back what memory steps in
Python had left. Trainings go on, who follows a job notices nothing, and who
connects meanwhile waits a moment. It is done once no step is at work but
trainings, and refused if the next daemon would not start.`,
		Example: `  ftctl restart
  ftctl restart --no-wait`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runRestart(c, o) },
	}
	c.Flags().BoolVar(&o.noWait, "no-wait", false, "return at once, although a step is at work")
	return c
}

func runRestart(c *cobra.Command, o restartOptions) error {
	client := patient(connect(c))
	client.Differs = nil // it may be what the restart is for
	defer client.Close()
	before, err := client.GetVersion(c.Context())
	if err != nil {
		return err
	}
	if err := client.Restart(c.Context()); err != nil {
		return err
	}
	if o.noWait {
		fmt.Fprintln(c.ErrOrStderr(), "the daemon restarts as soon as no step is at work but trainings")
		return nil
	}
	bar := showProgress(c, "the daemon restarts", 0)
	now, err := untilRestarted(c.Context(), client, before.Started, func() {
		bar.stop()
		fmt.Fprintln(c.ErrOrStderr(), "it waits for the step at work; with Ctrl-C it does so without you")
		bar = showProgress(c, "waiting for the step at work", 0)
	})
	bar.stop()
	if err != nil {
		return err
	}
	if wantJSON(c) {
		return printJSON(c.OutOrStdout(), now)
	}
	fmt.Fprintf(c.OutOrStdout(), "ftd %s (pid %d)\n", now.Version, now.PID)
	return nil
}

// soon is how long a restart takes that waits for nothing.
const soon = 3 * time.Second

// untilRestarted asks until the daemon is another one; late is told once if
// that takes longer than usual.
func untilRestarted(ctx context.Context, client *api.Client, before time.Time, late func()) (*api.Version, error) {
	tick := time.NewTicker(askAgain)
	defer tick.Stop()
	usual := time.After(soon)
	for {
		now, err := untilBack(ctx, nil, func() (*api.Version, error) { return client.GetVersion(ctx) })
		if err != nil || !now.Started.Equal(before) {
			return now, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-usual:
			late()
		case <-tick.C:
		}
	}
}
