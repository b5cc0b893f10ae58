package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"ftd/api"
)

func newRecipePlanCommand() *cobra.Command {
	var o runOptions
	c := &cobra.Command{
		Use:   "plan RECIPE|FILE",
		Short: "Say what a recipe would do, and do nothing",
		Long: `plan asks the daemon what it would do with each step of a recipe: run it, or use
the result that is there; what it would download, how much disk and memory it
takes, on how many cards. Nothing is run, fetched or stored. An output that
nobody has made yet stands as ‹STEP.NAME›.

The exit status is 1 if a step is known to fail.`,
		Example: `  ftctl recipe plan tiny-llama
  ftctl recipe plan my.yaml --set data=/data/mine.json
  ftctl recipe plan my.yaml -o json | jq '.steps[] | select(.cached | not) | .id'`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeRecipes,
		RunE: func(c *cobra.Command, args []string) error {
			o.dryRun = true
			return runRun(c, o, args[0])
		},
	}
	f := c.Flags()
	f.StringArrayVar(&o.set, "set", nil, "give a variable of the recipe a value, as `KEY=VALUE`; repeatable")
	f.BoolVar(&o.force, "force", false, "as if steps were run again whose result is there")
	f.StringVar(&o.from, "from", "", "as if the step with this `ID` were run again, and all that need its result")
	return c
}

func plan(c *cobra.Command, s api.Submit) error {
	client := connect(c)
	defer client.Close()
	p, err := during(c, "looking at what there is", 0, func() (*api.Plan, error) { return client.Plan(c.Context(), s) })
	if err != nil {
		return err
	}
	if wantJSON(c) {
		err = printJSON(c.OutOrStdout(), p)
	} else {
		writePlan(c.OutOrStdout(), p)
	}
	for _, step := range p.Steps {
		if step.Error != nil && err == nil {
			err = verdict(exitFailed)
		}
	}
	return err
}

func writePlan(w io.Writer, p *api.Plan) {
	cached, leftOut := 0, 0
	for i, s := range p.Steps {
		does := s.Summary
		switch {
		case s.LeftOut:
			leftOut++
		case s.Cached:
			cached++
			does = "the result is there: " + does
		case does == "" && s.Error == nil:
			does = "known once the steps before have run"
		}
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%2d  %-14s %s", i+1, s.ID, does), " "))
		for _, line := range planNotes(s) {
			fmt.Fprintf(w, "    %-14s %s\n", "", line)
		}
	}
	fmt.Fprintf(w, "\n%d steps, %d of them done already", len(p.Steps), cached)
	if leftOut > 0 {
		fmt.Fprintf(w, ", %d left out", leftOut)
	}
	for _, part := range takes(p.DownloadBytes, p.DiskBytes, p.MemoryBytes, p.Cards) {
		fmt.Fprintf(w, "; %s", part)
	}
	fmt.Fprintf(w, ". Free on the disk: %s.\n", size(p.DiskFreeBytes))
}

// planNotes are the lines below a step's own.
func planNotes(s api.StepPlan) []string {
	var lines []string
	if s.Cached {
		return nil
	}
	for _, d := range s.Downloads {
		line := "downloads " + d.Name
		if d.Bytes > 0 {
			line += " (" + size(d.Bytes) + ")"
		}
		if len(d.Sources) > 0 {
			line += " from " + strings.Join(d.Sources, ", or ")
		}
		lines = append(lines, line)
	}
	if s.Place != "" {
		lines = append(lines, "its result would go to "+s.Place+", where it fits")
	}
	if s.FreedBytes > 0 {
		lines = append(lines, "after it, "+size(s.FreedBytes)+" of results in between are removed")
	}
	if parts := takes(0, s.DiskBytes, s.MemoryBytes, s.Cards); len(parts) > 0 {
		lines = append(lines, strings.Join(parts, ", "))
	}
	if s.Again != "" {
		lines = append(lines, "made again: "+s.Again)
	}
	if s.Error != nil {
		lines = append(lines, "would fail: "+s.Error.Message)
		if s.Error.Remedy != "" {
			lines = append(lines, "what to do: "+s.Error.Remedy)
		}
	}
	return lines
}

// takes says what a step, or all of them, needs.
func takes(download, disk, memory int64, cards int) []string {
	var parts []string
	for _, p := range []struct {
		bytes int64
		what  string
	}{{download, "to download"}, {disk, "of disk"}, {memory, "of memory"}} {
		if p.bytes > 0 {
			parts = append(parts, size(p.bytes)+" "+p.what)
		}
	}
	switch {
	case cards == 1:
		parts = append(parts, "1 card")
	case cards > 1:
		parts = append(parts, fmt.Sprintf("%d cards", cards))
	}
	return parts
}
