package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

type rmOptions struct {
	checkpoints bool
}

func newRmCommand() *cobra.Command {
	var o rmOptions
	c := &cobra.Command{
		Use:   "rm JOB...",
		Short: "Forget jobs that ended and delete what they wrote",
		Long: `rm forgets jobs that have ended and deletes their directories. A job whose
directory holds checkpoints is refused unless --checkpoints is given: days of
training may be in there. A job that is at work is refused; stop it first.

It prints the ids of the jobs that are gone; -o json prints them as an array.`,
		Example: `  ftctl rm JOB
  ftctl rm --checkpoints JOB
  ftctl ps -a -o json | jq -r '.[] | select(.state == "failed") | .id' | xargs ftctl rm`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeJobs,
		RunE:              func(c *cobra.Command, args []string) error { return runRm(c, o, args) },
	}
	c.Flags().BoolVar(&o.checkpoints, "checkpoints", false, "delete them even if they hold checkpoints")
	return c
}

func runRm(c *cobra.Command, o rmOptions, ids []string) error {
	client := connect(c)
	defer client.Close()
	gone := []string{}
	failures := newFailures(c)
	for _, id := range ids {
		// The whole id is what is printed, and what a beginning stands for
		// must not change between looking and deleting.
		job, err := client.Job(c.Context(), id)
		if err == nil {
			_, err = during(c, "deleting what "+job.ID+" wrote", 0, func() (struct{}, error) {
				return struct{}{}, client.Remove(c.Context(), job.ID, o.checkpoints)
			})
		}
		if err != nil {
			failures.add(err)
			continue
		}
		gone = append(gone, job.ID)
	}
	if wantJSON(c) {
		if err := printJSON(c.OutOrStdout(), gone); err != nil {
			return err
		}
		return failures.err()
	}
	for _, id := range gone {
		fmt.Fprintln(c.OutOrStdout(), id)
	}
	return failures.err()
}
