package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"ftd/api"
)

// submit hands a job to the daemon and follows it, or with detach says how to.
func submit(c *cobra.Command, s api.Submit, detach bool, o followOptions) error {
	client := connect(c)
	defer client.Close()
	job, err := client.Submit(c.Context(), s)
	if err != nil {
		return err
	}
	if detach {
		if wantJSON(c) {
			return printJSON(c.OutOrStdout(), job)
		}
		say(c, "job %s is submitted. Follow it: ftctl wait %s. Stop it: ftctl stop %s", job.ID, job.ID, job.ID)
		_, err := c.OutOrStdout().Write([]byte(job.ID + "\n"))
		return err
	}
	say(c, "job %s (%s)", job.ID, job.Name)
	return followToEnd(c, client, job, o)
}

// say is talk for people, on stderr; scripts that asked for JSON are spared.
func say(c *cobra.Command, format string, args ...any) {
	if !wantJSON(c) {
		c.PrintErrf(format+"\n", args...)
	}
}

// fetchPoints returns every training step of a job once: where an attempt went
// back to a checkpoint, the steps it did again count, not their first try.
func fetchPoints(ctx context.Context, client *api.Client, job string) ([]api.Point, error) {
	var s series
	for p, err := range client.Points(ctx, job, api.PointsQuery{}) {
		if err != nil {
			return nil, err
		}
		s.add(p)
	}
	return s.points, nil
}

// assignments reads repeated KEY=VALUE flags.
func assignments(flag string, words []string) (map[string]string, error) {
	if len(words) == 0 {
		return nil, nil
	}
	m := make(map[string]string, len(words))
	for _, w := range words {
		key, value, ok := strings.Cut(w, "=")
		if !ok || key == "" {
			return nil, usageError("write: "+flag+" KEY=VALUE", "%s %q is not of the form KEY=VALUE", flag, w)
		}
		m[key] = value
	}
	return m, nil
}

// completeJobs completes job ids from the daemon, silently where there is none.
func completeJobs(c *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	client := connect(c)
	defer client.Close()
	jobs, err := client.Jobs(c.Context(), api.JobsQuery{})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var ids []cobra.Completion
	for _, j := range jobs {
		if strings.HasPrefix(j.ID, begun) {
			ids = append(ids, cobra.CompletionWithDesc(j.ID, j.Name+" "+string(j.State)))
		}
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}
