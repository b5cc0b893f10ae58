package main

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"ftd/api"
)

type lossOptions struct {
	plot    bool
	follow  bool
	series  string
	svg     string
	png     string
	compare bool
}

func newLossCommand() *cobra.Command {
	var o lossOptions
	c := &cobra.Command{
		Use:   "loss JOB...",
		Short: "Print the loss of a job's training, every step once, or draw it",
		Long: `loss prints the steps of a training: where an attempt went on from a checkpoint,
the steps it did again are those of the later attempt. --plot draws a picture,
-f goes on until the job has ended. --series prints another number of the steps:
lr, loss_scale, global_norm or step_ms; of the loss scale only its changes.

--svg and --png write a picture to a file ("-" is stdout): the loss, its running
mean, gaps where it is not finite, and a cross for each step that overflowed.
--compare takes several jobs, side by side in one table or one picture.

-o json prints an array of points, with -f one object a line; -o csv prints a
table for spreadsheets. A loss that is not finite is "NaN", "Infinity" or
"-Infinity".`,
		Example: `  ftctl loss JOB
  ftctl loss --plot JOB
  ftctl loss -f JOB
  ftctl loss --series loss_scale JOB
  ftctl loss --png loss.png JOB
  ftctl loss --compare --svg both.svg FIRST-JOB SECOND-JOB
  ftctl loss JOB -o csv > loss.csv`,
		Args:              cobra.MinimumNArgs(1),
		Annotations:       map[string]string{outputs: "csv"},
		ValidArgsFunction: completeJobs,
		RunE:              func(c *cobra.Command, args []string) error { return runLoss(c, o, args) },
	}
	c.Flags().BoolVar(&o.plot, "plot", false, "draw it")
	c.Flags().StringVar(&o.series, "series", "", "print this `NAME` only: loss, lr, loss_scale, global_norm or step_ms")
	c.Flags().StringVar(&o.svg, "svg", "", "write a picture to this `FILE`, as SVG")
	c.Flags().StringVar(&o.png, "png", "", "write a picture to this `FILE`, as PNG")
	c.Flags().BoolVar(&o.compare, "compare", false, "several jobs, side by side")
	c.Flags().BoolVarP(&o.follow, "follow", "f", false, "go on until the job has ended")
	complete(c, "series", completeWords("loss", "lr", "loss_scale", "global_norm", "step_ms"))
	return c
}

func runLoss(c *cobra.Command, o lossOptions, ids []string) error {
	if err := checkLoss(c, o, ids); err != nil {
		return err
	}
	client := connect(c)
	defer client.Close()
	if o.compare || o.svg != "" || o.png != "" {
		return compareLoss(c, client, o, ids)
	}
	id := ids[0]
	if o.follow {
		return followLoss(c, client, o, id)
	}
	points, err := shownPoints(c, client, id)
	if err != nil {
		return err
	}
	w := c.OutOrStdout()
	if o.series != "" {
		return writeSeries(w, output(c), o, points)
	}
	switch {
	case wantJSON(c):
		if points == nil {
			points = []api.Point{}
		}
		return printJSON(w, points)
	case o.plot:
		return plotLoss(c, id, points)
	}
	buffered := bufio.NewWriterSize(w, 64<<10) // not a call of the system for each step
	table := newPointWriter(buffered, output(c))
	for i := range points {
		if err := table.write(&points[i]); err != nil {
			return err
		}
	}
	if err := table.flush(); err != nil {
		return err
	}
	return buffered.Flush()
}

// checkLoss refuses flags that do not go together.
func checkLoss(c *cobra.Command, o lossOptions, ids []string) error {
	toFile := o.svg != "" || o.png != ""
	switch {
	case o.plot && output(c) != "text":
		return usageError("leave out --plot, or -o", "--plot is for people; it cannot be had as %s", output(c))
	case toFile && (o.plot || output(c) != "text"):
		return usageError("leave out the others", "--svg and --png write a picture, and nothing else")
	case o.follow && (toFile || o.compare):
		return usageError("leave out -f", "pictures in files and comparisons cannot be followed")
	case o.compare && len(ids) < 2:
		return usageError("write: ftctl loss --compare FIRST-JOB SECOND-JOB", "--compare takes two jobs or more")
	case !o.compare && len(ids) > 1:
		return usageError("write: ftctl loss --compare "+strings.Join(ids, " "), "loss takes one job, or several with --compare")
	}
	return checkSeries(o)
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
