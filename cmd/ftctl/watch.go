package main

import (
	"context"
	"errors"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/spf13/cobra"

	"ftd/api"
)

func newWatchCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "watch [JOB]",
		Short: "Watch jobs on the whole screen: phases, loss, checkpoints, log",
		Long: `watch shows a job on the whole screen, live: its steps and phases with their
clocks, the loss and the learning rate as pictures with overflow steps marked,
checkpoints, what watchdogs found, cards, and the end of the log. Without JOB it
begins with the list of jobs; choose one with the arrows and Enter.

  ↑ ↓       the job before, the job after
  Enter     show the chosen job; Esc goes back to the list
  Tab       another picture: loss, learning rate, step time, loss scale, norm
  q         quit; so does Ctrl-C

The jobs go on whatever happens to watch. A daemon that restarts is waited for.
It needs a terminal; elsewhere use ftctl wait, logs -f or loss -f. The exit
status is 0 after q and 130 after Ctrl-C.`,
		Example: `  ftctl watch
  ftctl watch JOB
  NO_COLOR=1 ftctl watch JOB`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeOneJob,
		RunE:              func(c *cobra.Command, args []string) error { return runWatch(c, args) },
	}
}

func runWatch(c *cobra.Command, args []string) error {
	if err := checkWatch(c); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	client := connect(c)
	// A second daemon's difference in version would be written into the screen.
	client.Differs = nil
	defer client.Close()
	w := newWatch(ctx, patient(client), newPalette(c.OutOrStdout(), noColor(c)))
	defer w.close()
	var err error
	if w.jobs, err = client.Jobs(ctx, api.JobsQuery{Limit: watchJobs}); err != nil {
		return err
	}
	if len(args) > 0 {
		job, err := client.Job(ctx, args[0])
		if err != nil {
			return err
		}
		w.open(job)
	}
	_, err = tea.NewProgram(w, tea.WithContext(ctx), tea.WithInput(c.InOrStdin()), tea.WithOutput(c.OutOrStdout()),
		tea.WithFPS(20), tea.WithoutSignalHandler()).Run()
	switch {
	case w.feedFailed() != nil:
		return w.feedFailed()
	case c.Context().Err() != nil, errors.Is(err, tea.ErrInterrupted):
		if w.shown != nil && !w.shown.Over() {
			return &detachedError{w.shown.ID}
		}
		return context.Canceled
	}
	return err
}

// checkWatch refuses to draw where nobody could see it.
func checkWatch(c *cobra.Command) error {
	if wantJSON(c) {
		return usageError("use: ftctl wait JOB -o json", "watch is for people; it cannot be had as json")
	}
	in, ok := c.InOrStdin().(*os.File)
	if !isTerminal(c.OutOrStdout()) || !ok || !isTerminal(in) {
		return usageError("use one of: ftctl wait JOB, ftctl logs -f JOB, ftctl loss -f JOB",
			"watch needs a terminal that can draw, for its input and for its output")
	}
	return nil
}

// watchJobs is how many jobs the list goes back.
const watchJobs = 200

// watchEvery is how often the daemon is asked how things stand, and clocks
// are drawn.
const watchEvery = 500 * time.Millisecond
