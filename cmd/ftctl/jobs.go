package main

import (
	"context"
	"crypto/rand"
	"strings"

	"github.com/spf13/cobra"

	"ftd/api"
)

// submit hands a job to the daemon and follows it, or with detach says how to.
func submit(c *cobra.Command, s api.Submit, detach bool, o followOptions) error {
	client := connect(c)
	defer client.Close()
	key := rand.Text() // one job, whatever became of the first try
	handIn := func() (*api.Job, error) {
		return during(c, "handing the job to the daemon", 0, func() (*api.Job, error) { return client.SubmitOnce(c.Context(), s, key) })
	}
	job, err := handIn()
	if err != nil {
		if err = started(c, err); err == nil {
			job, err = handIn()
		}
	}
	if err != nil {
		return err
	}
	return followOrLeave(c, client, job, "submitted", detach, o)
}

// followOrLeave follows a job that was handed to the daemon, or with detach
// says how to.
func followOrLeave(c *cobra.Command, client *api.Client, job *api.Job, done string, detach bool, o followOptions) error {
	if detach {
		if wantJSON(c) {
			return printJSON(c.OutOrStdout(), job)
		}
		say(c, "job %s is %s. Follow it: ftctl wait %s. Stop it: ftctl stop %s", job.ID, done, job.ID, job.ID)
		_, err := c.OutOrStdout().Write([]byte(job.ID + "\n"))
		return err
	}
	if !o.quiet {
		say(c, "job %s (%s)", job.ID, job.Name)
	}
	return followToEnd(c, client, job, o)
}

// say is talk for people, on stderr; scripts that asked for JSON are spared.
func say(c *cobra.Command, format string, args ...any) {
	if !wantJSON(c) {
		c.PrintErrf(format+"\n", args...)
	}
}

// shownPoints is fetchPoints with a bar where there are many.
func shownPoints(c *cobra.Command, client *api.Client, id string) ([]api.Point, error) {
	job, err := client.Job(c.Context(), id)
	if err != nil {
		return nil, err
	}
	bar := showProgress(c, "reading the steps of "+plain(job.Name), 0)
	defer bar.stop()
	var s series
	for p, err := range client.Points(c.Context(), job.ID, api.PointsQuery{}) {
		if err != nil {
			return nil, err
		}
		if s.add(p) && job.Training != nil {
			bar.at(p.GlobalStep, job.Training.StepsDone)
		}
	}
	return s.points, nil
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
