package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"ftd/api"
)

type stopOptions struct {
	noWait bool
}

func newStopCommand() *cobra.Command {
	var o stopOptions
	c := &cobra.Command{
		Use:   "stop JOB...",
		Short: "Stop jobs, with every process of their trainings",
		Long: `stop asks a job to end and waits until all its processes are gone: they are asked
first and killed if they do not go. What the job wrote stays, checkpoints too. A
job that has ended already is left as it is; that is not an error.

It prints the jobs as they are afterwards; -o json prints an object for one job,
an array for several.`,
		Example: `  ftctl stop JOB
  ftctl stop --no-wait JOB
  ftctl ps -q | xargs ftctl stop`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeJobs,
		RunE:              func(c *cobra.Command, args []string) error { return runStop(c, o, args) },
	}
	c.Flags().BoolVar(&o.noWait, "no-wait", false, "return at once, while it is still ending")
	return c
}

func runStop(c *cobra.Command, o stopOptions, ids []string) error {
	client := connect(c)
	defer client.Close()
	// All are asked before the first is waited for.
	var jobs []*api.Job
	failures := newFailures(c)
	for _, id := range ids {
		job, err := stopJob(c, client, id)
		if err != nil {
			failures.add(err)
			continue
		}
		jobs = append(jobs, job)
	}
	client = patient(client)
	defer client.Close()
	bar := showProgress(c, "waiting until all their processes are gone", 0)
	away := once{f: func() {
		bar.stop()
		say(c, awayText)
	}}
	for i, job := range jobs {
		if o.noWait || job.Over() {
			continue
		}
		ended, err := untilBack(c.Context(), away.call, func() (*api.Job, error) { return client.WaitJob(c.Context(), job.ID) })
		if err != nil {
			bar.stop()
			failures.add(err)
			continue
		}
		jobs[i] = ended
	}
	bar.stop()
	if wantJSON(c) {
		if err := printOneOrMany(c.OutOrStdout(), jobs, len(ids)); err != nil {
			return err
		}
		return failures.err()
	}
	for _, job := range jobs {
		fmt.Fprintf(c.OutOrStdout(), "%s %s\n", job.ID, describeStop(job))
	}
	return failures.err()
}

// stopJob asks one job to stop; one that has ended is as good as stopped.
func stopJob(c *cobra.Command, client *api.Client, id string) (*api.Job, error) {
	job, err := client.Job(c.Context(), id)
	if err != nil || job.Over() {
		return job, err
	}
	stopping, err := client.Stop(c.Context(), job.ID)
	if err == nil {
		return stopping, nil
	}
	// It may have ended between the two.
	if now, again := client.Job(c.Context(), job.ID); again == nil && now.Over() {
		return now, nil
	}
	return nil, err
}

func describeStop(job *api.Job) string {
	if job.State == api.StateStopped || !job.Over() {
		return string(job.State)
	}
	return string(job.State) + " (it had ended " + ago(job.Ended, time.Now()) + ")"
}
