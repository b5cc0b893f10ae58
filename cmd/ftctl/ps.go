package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ftd/api"
)

type psOptions struct {
	all   bool
	quiet bool
	limit int
	only  []string
}

func newPsCommand() *cobra.Command {
	var o psOptions
	c := &cobra.Command{
		Use:     "ps",
		Aliases: []string{"ls"},
		Short:   "List jobs",
		Long: `ps lists the jobs that are at work or waiting; with --all also those that ended,
the newest first. A job that waits for a slot or for cards has its place in that
line instead of a phase; see ftctl show for the reason. Where trainings use
accelerator cards, the column CARDS shows which. -o wide shows more columns, -o name only names, -q only ids.
--filter shows only jobs of a state, a name or a recipe; of one key any of several
values will do. -o json prints an array of jobs without their steps.`,
		Example: `  ftctl ps
  ftctl ps -a -o wide
  ftctl ps --filter state=failed --filter recipe=tiny-llama
  ftctl ps -q | xargs -n1 ftctl stop
  ftctl ps -a -o json | jq -r '.[] | select(.state == "failed") | .error.message'`,
		Args:        cobra.NoArgs,
		Annotations: map[string]string{outputs: "wide name"},
		RunE:        func(c *cobra.Command, _ []string) error { return runPs(c, o) },
	}
	c.Flags().BoolVarP(&o.all, "all", "a", false, "also jobs that ended")
	c.Flags().BoolVarP(&o.quiet, "quiet", "q", false, "only ids")
	c.Flags().IntVarP(&o.limit, "last", "n", 0, "at most the newest `N` jobs (implies --all)")
	c.Flags().StringArrayVar(&o.only, "filter", nil, "only jobs of which this is true, as `KEY=VALUE`: state (implies --all), name or recipe; repeatable")
	complete(c, "filter", completeWords("state=failed", "state=interrupted", "state=lost", "state=queued", "state=running", "state=stopped", "state=succeeded", "name=", "recipe="))
	return c
}

func runPs(c *cobra.Command, o psOptions) error {
	if o.limit < 0 {
		return usageError("write: ftctl ps --last 5", "--last %d is not a number of jobs", o.limit)
	}
	filter, err := newJobFilter(o.only)
	if err != nil {
		return err
	}
	client := connect(c)
	defer client.Close()
	jobs, err := client.Jobs(c.Context(), api.JobsQuery{Active: !o.all && o.limit == 0 && filter["state"] == nil, Limit: o.limit})
	if err != nil {
		return err
	}
	jobs = slices.DeleteFunc(jobs, func(j api.Job) bool { return !filter.wants(&j) })
	w := c.OutOrStdout()
	switch {
	case wantJSON(c):
		if jobs == nil {
			jobs = []api.Job{}
		}
		return printJSON(w, jobs)
	case o.quiet:
		for i := range jobs {
			fmt.Fprintln(w, jobs[i].ID)
		}
	case output(c) == "name":
		for i := range jobs {
			fmt.Fprintln(w, jobs[i].Name)
		}
	default:
		writeJobs(w, jobs, output(c) == "wide", time.Now())
	}
	return nil
}

// writeJobs prints the table of jobs.
func writeJobs(w io.Writer, jobs []api.Job, wide bool, now time.Time) {
	header := []string{"JOB", "NAME", "STATE", "PHASE", "STEP", "LOSS", "LEFT", "CREATED"}
	cards := slices.ContainsFunc(jobs, func(j api.Job) bool { return len(j.Cards) > 0 })
	if cards {
		header = append(header, "CARDS")
	}
	if wide {
		header = append(header, "PRIORITY", "TOOK", "RECIPE", "S/STEP", "OVERFLOW", "DIR")
	}
	rows := [][]string{header}
	columns := shortIDs(jobs)
	if wide {
		columns = math.MaxInt // whole
	}
	for i := range jobs {
		rows = append(rows, jobRow(&jobs[i], columns, cards, wide, now))
	}
	writeTable(w, rows)
}

func jobRow(j *api.Job, columns int, cards, wide bool, now time.Time) []string {
	phase, step, loss, remaining, speed, overflow := "-", "-", "-", "-", "-", "-"
	if t := j.Training; t != nil {
		overflow = fmt.Sprint(t.OverflowSteps)
		if t.Last != nil {
			step, loss = stepCount(t), number(t.Last.Loss)
		}
		if t.StepSeconds > 0 {
			speed = number3(t.StepSeconds)
		}
		if !j.Over() && t.Phase != "" {
			phase = string(t.Phase)
			if t.SecondsLeft != nil {
				remaining = left(float64(*t.SecondsLeft))
			}
		}
	}
	if j.Waiting != nil {
		phase = fmt.Sprintf("waiting #%d", j.Waiting.Position)
	}
	row := []string{shortID(j.ID, columns), j.Name, string(j.State), phase, step, loss, remaining, ago(&j.Created, now)}
	if cards {
		row = append(row, numbers(j.Cards))
	}
	if wide {
		row = append(row, fmt.Sprint(j.Priority), duration(j.Started, j.Ended, now), j.Recipe, speed, overflow, j.Dir)
	}
	return row
}

// duration is how long something took so far, "-" if it did not begin.
func duration(start, end *time.Time, now time.Time) string {
	if start == nil {
		return "-"
	}
	return took(between(start, end, now))
}

// writeTable aligns rows in columns, three spaces apart, by what the cells take
// on a terminal: a Chinese character has two columns. It writes in one piece,
// since cell by cell a hundred jobs would be 1,600 calls of the system.
func writeTable(w io.Writer, rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			// A tab or line end in a name would shift the rest of the table.
			row[i] = strings.Join(strings.Fields(plain(cell)), " ")
			if row[i] == "" {
				row[i] = "-"
			}
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], cells.StringWidth(row[i]))
		}
	}
	var text []byte
	for _, row := range rows {
		for i, cell := range row {
			if i < len(row)-1 { // no spaces at the end of a line
				cell = pad(cell, widths[i]+3)
			}
			text = append(text, cell...)
		}
		text = append(text, '\n')
	}
	_, _ = w.Write(text) // execute asks whether it went
}
