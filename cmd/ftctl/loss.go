package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"ftd/api"
)

type lossOptions struct {
	plot   bool
	follow bool
}

func newLossCommand() *cobra.Command {
	var o lossOptions
	c := &cobra.Command{
		Use:   "loss JOB",
		Short: "Print the loss of a job's training, every step once, or draw it",
		Long: `loss prints the steps of a training: where an attempt went on from a checkpoint,
the steps it did again are those of the later attempt. --plot draws a picture,
-f goes on until the job has ended.

-o json prints an array of points, with -f one object a line; -o csv prints a
table for spreadsheets. A loss that is not finite is "NaN", "Infinity" or
"-Infinity".`,
		Example: `  ftctl loss JOB
  ftctl loss --plot JOB
  ftctl loss -f JOB
  ftctl loss JOB -o csv > loss.csv`,
		Args:              cobra.ExactArgs(1),
		Annotations:       map[string]string{outputs: "csv"},
		ValidArgsFunction: completeJobs,
		RunE:              func(c *cobra.Command, args []string) error { return runLoss(c, o, args[0]) },
	}
	c.Flags().BoolVar(&o.plot, "plot", false, "draw it")
	c.Flags().BoolVarP(&o.follow, "follow", "f", false, "go on until the job has ended")
	return c
}

func runLoss(c *cobra.Command, o lossOptions, id string) error {
	if o.plot && output(c) != "text" {
		return usageError("leave out --plot, or -o", "--plot is for people; it cannot be had as %s", output(c))
	}
	client := connect(c)
	defer client.Close()
	if o.follow {
		return followLoss(c, client, o, id)
	}
	points, err := fetchPoints(c.Context(), client, id)
	if err != nil {
		return err
	}
	w := c.OutOrStdout()
	switch {
	case wantJSON(c):
		if points == nil {
			points = []api.Point{}
		}
		return printJSON(w, points)
	case o.plot:
		return plotLoss(c, id, points)
	}
	table := newPointWriter(w, output(c))
	for i := range points {
		if err := table.write(&points[i]); err != nil {
			return err
		}
	}
	return table.flush()
}

func plotLoss(c *cobra.Command, id string, points []api.Point) error {
	picture := lossPlot(points, terminalWidth(c.OutOrStdout()))
	if picture == "" {
		say(c, "job %s has not logged two finite losses yet; its log: ftctl logs %s", id, id)
		return nil
	}
	_, err := fmt.Fprintln(c.OutOrStdout(), picture)
	return err
}
