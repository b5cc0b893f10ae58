package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"ftd/api"
)

type waitOptions struct {
	timeout time.Duration
	follow  followOptions
}

func newWaitCommand() *cobra.Command {
	var o waitOptions
	c := &cobra.Command{
		Use:   "wait JOB",
		Short: "Follow a job to its end; the exit status says how it ended",
		Long: `wait follows a job that was submitted before, and returns at once if it has
ended.

` + followHelp + `
With --timeout it is 6 when the time is over; the job goes on. --timeout 0 does
not wait at all: it is 6 at once unless the job has ended.`,
		Example: `  ftctl wait JOB
  ftctl wait --timeout 12h JOB && ./deploy.sh
  id=$(ftctl run tiny-llama --detach) && ftctl wait -q "$id"`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeOneJob,
		RunE:              func(c *cobra.Command, args []string) error { return runWait(c, o, args[0]) },
	}
	c.Flags().DurationVar(&o.timeout, "timeout", 0, "wait at most so long, such as 30s, 10m or 12h; 0 not at all (default: for ever)")
	o.follow.addFlags(c)
	return c
}

func runWait(c *cobra.Command, o waitOptions, id string) error {
	if o.timeout < 0 {
		return usageError("write: --timeout 10m", "--timeout %s is not a time to wait", o.timeout)
	}
	client := connect(c)
	defer client.Close()
	job, err := client.Job(c.Context(), id)
	if err != nil {
		return err
	}
	if c.Flags().Changed("timeout") && !job.State.Ended() {
		if o.timeout == 0 {
			return api.Errorf(api.CodeTimeout, "job %s has not ended: it is %s", job.ID, job.State).
				WithRemedy("wait for it: ftctl wait %s", job.ID)
		}
		ctx, cancel := context.WithTimeout(c.Context(), o.timeout)
		defer cancel()
		c.SetContext(ctx)
	}
	err = followToEnd(c, client, job, o.follow)
	if errors.Is(err, context.DeadlineExceeded) {
		return api.Errorf(api.CodeTimeout, "job %s has not ended within %s; it goes on", job.ID, o.timeout).
			WithRemedy("wait again: ftctl wait %s; or stop it: ftctl stop %s", job.ID, job.ID)
	}
	return err
}
