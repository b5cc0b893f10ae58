package main

import (
	"github.com/spf13/cobra"
)

type resumeOptions struct {
	detach bool
	follow followOptions
}

func newResumeCommand() *cobra.Command {
	var o resumeOptions
	c := &cobra.Command{
		Use:   "resume JOB",
		Short: "Have a job go on that failed, was stopped or interrupted",
		Long: `resume has a job go on where it stopped: the same job, with a further attempt.
Steps that are done stay done. A training begins at its newest checkpoint that
verifies, if it has one; see "resume" in docs/recipes.md for what a command is
given. The restarts that a recipe allows are counted anew.

` + followHelp,
		Example: `  ftctl resume JOB
  ftctl resume --detach JOB`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeOneJob,
		RunE:              func(c *cobra.Command, args []string) error { return runResume(c, o, args[0]) },
	}
	c.Flags().BoolVarP(&o.detach, "detach", "d", false, "do not follow: print the job's id and return")
	o.follow.addFlags(c)
	return c
}

func runResume(c *cobra.Command, o resumeOptions, id string) error {
	client := connect(c)
	defer client.Close()
	job, err := client.Resume(c.Context(), id)
	if err != nil {
		return err
	}
	return followOrLeave(c, client, job, "resumed", o.detach, o.follow)
}
