package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"ftd/checkpoint"
)

type pruneOptions struct {
	dryRun bool
	ranks  int
	keep   checkpoint.Retention
}

// prunedSet is one line of `ckpt prune -o json`.
type prunedSet struct {
	Name  string   `json:"name"`
	Step  int64    `json:"step"`
	Bytes int64    `json:"bytes"`
	Keep  bool     `json:"keep"`
	Why   string   `json:"why"`
	Paths []string `json:"paths"`
}

func newCkptPruneCommand() *cobra.Command {
	var o pruneOptions
	c := &cobra.Command{
		Use:   "prune --dry-run DIR",
		Short: "Show which checkpoints a retention rule would delete",
		Long: `prune shows which training checkpoints would be deleted, and why the others are
kept. The newest complete one is always kept, and nothing goes before a newer
one is complete. It deletes nothing itself: only the daemon knows which files
it saw being made, and touches no others.

-o json prints an array of {name, step, bytes, keep, why, paths}.`,
		Example: `  ftctl ckpt prune --dry-run --newest 3 output/checkpoint
  ftctl ckpt prune --dry-run --newest 1 --every 1000 -o json output | jq -r '.[] | select(.keep | not) | .paths[]'`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, words []string) error { return runCkptPrune(c, o, words[0]) },
	}
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "only show it; there is no other way yet")
	c.Flags().IntVar(&o.ranks, "ranks", 0, "how many ranks the training has (default: those that are there)")
	c.Flags().IntVar(&o.keep.Newest, "newest", 0, "keep the newest `N`")
	c.Flags().Int64Var(&o.keep.Every, "every", 0, "keep those at every `M`-th step")
	return c
}

func runCkptPrune(c *cobra.Command, o pruneOptions, dir string) error {
	example := "write: ftctl ckpt prune --dry-run --newest 3 " + dir
	switch {
	case !o.dryRun:
		return usageError(example, "prune deletes nothing; it needs --dry-run")
	case o.keep == checkpoint.Retention{} || o.keep.Newest < 0 || o.keep.Every < 0:
		return usageError(example, "prune needs a rule: --newest N, --every M or both")
	}
	sets, err := checkpointSets(c, o.ranks, dir)
	if err != nil {
		return err
	}
	plan := planPrune(sets, o.keep)
	w := c.OutOrStdout()
	if wantJSON(c) {
		return printJSON(w, plan)
	}
	rows := [][]string{{"", "STEP", "SIZE", "NAME", "WHY"}}
	freed, gone := int64(0), 0
	for _, s := range plan {
		mark := "keep"
		if !s.Keep {
			mark = "delete"
			freed += s.Bytes
			gone++
		}
		rows = append(rows, []string{mark, fmt.Sprint(s.Step), size(s.Bytes), s.Name, s.Why})
	}
	writeTable(w, rows)
	fmt.Fprintf(w, "would delete %d of %d and free %s\n", gone, len(plan), size(freed))
	return nil
}

// planPrune decides about sets, which are in the order of a plan already.
func planPrune(sets []checkpoint.Set, keep checkpoint.Retention) []prunedSet {
	candidates := make([]checkpoint.Candidate, len(sets))
	for i, s := range sets {
		step := int64(-1)
		if s.Step != nil {
			step = *s.Step
		}
		candidates[i] = checkpoint.Candidate{Name: s.Name, Step: step, Bytes: s.Bytes, Verified: s.Complete, Ours: true}
	}
	plan := make([]prunedSet, len(sets))
	for i, d := range keep.Plan(candidates) {
		plan[i] = prunedSet{Name: d.Name, Step: d.Step, Bytes: d.Bytes, Keep: d.Keep, Why: d.Why, Paths: []string{}}
		for _, f := range sets[i].Files {
			plan[i].Paths = append(plan[i].Paths, f.Path)
		}
	}
	return plan
}
