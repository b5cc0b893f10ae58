package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ftd/api"
	"ftd/checkpoint"
)

type pruneOptions struct {
	dryRun, yes bool
	ranks       int
	keep        checkpoint.Retention
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
		Use:   "prune JOB|DIR",
		Short: "Delete the checkpoints that no rule keeps",
		Long: `prune deletes the training checkpoints of a job, or in a directory, that no rule
keeps. What exists as a directory is taken for one. The newest complete one is
always kept, and nothing goes before a newer one is complete. Of a job only what
it wrote is deleted.

It shows what it would delete and asks; --dry-run only shows, --yes does not ask.

-o json prints an array of {name, step, bytes, keep, why, paths}; it takes
--dry-run or --yes.`,
		Example: `  ftctl ckpt prune --dry-run --newest 3 output/checkpoint
  ftctl ckpt prune --newest 2 --best 1 --every 1000 my-job
  ftctl ckpt prune --yes --newest 1 -o json output | jq -r '.[] | select(.keep | not) | .paths[]'`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeJobOrDir,
		RunE:              func(c *cobra.Command, words []string) error { return runCkptPrune(c, o, words[0]) },
	}
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "only show what would be deleted")
	c.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	c.Flags().IntVar(&o.ranks, "ranks", 0, "how many ranks the training has (default: those that are there)")
	c.Flags().IntVar(&o.keep.Newest, "newest", 0, "keep the newest `N`")
	c.Flags().IntVar(&o.keep.Best, "best", 0, "keep the `K` with the lowest loss; of a job only")
	c.Flags().Int64Var(&o.keep.Every, "every", 0, "keep those at every `M`-th step")
	return c
}

func runCkptPrune(c *cobra.Command, o pruneOptions, ref string) error {
	example := "write: ftctl ckpt prune --dry-run --newest 3 " + ref
	switch {
	case o.keep == checkpoint.Retention{} || o.keep.Newest < 0 || o.keep.Best < 0 || o.keep.Every < 0:
		return usageError(example, "prune needs a rule: --newest N, --best K, --every M or several")
	case o.dryRun && o.yes:
		return usageError(example, "--dry-run deletes nothing, so there is nothing to say --yes to")
	case wantJSON(c) && !o.dryRun && !o.yes:
		return usageError(example, "with -o json there is nobody to ask: give --dry-run or --yes")
	}
	sets, err := listedSets(c, o.ranks, ref)
	if err != nil {
		return err
	}
	known := slices.ContainsFunc(sets, func(s trainedSet) bool { return s.Loss != nil })
	if o.keep.Best > 0 && !known {
		return usageError("name the job instead, or leave out --best", "of no checkpoint in %s is the loss known", ref)
	}
	plan := planPrune(sets, o.keep)
	w := c.OutOrStdout()
	if !wantJSON(c) {
		writePruned(w, plan)
	}
	gone, freed := doomed(plan)
	if gone == 0 || o.dryRun {
		if wantJSON(c) {
			return printJSON(w, plan)
		}
		fmt.Fprintf(w, "would delete %d of %d and free %s\n", gone, len(plan), size(freed))
		return nil
	}
	if !o.yes && !agreed(c, fmt.Sprintf("delete %d of %d and free %s?", gone, len(plan), size(freed))) {
		fmt.Fprintln(w, "nothing was deleted")
		return nil
	}
	if _, err := during(c, "deleting", 0, func() (struct{}, error) { return struct{}{}, carryOut(plan) }); err != nil {
		return err
	}
	if wantJSON(c) {
		return printJSON(w, plan)
	}
	fmt.Fprintf(w, "deleted %d of %d and freed %s\n", gone, len(plan), size(freed))
	return nil
}

func writePruned(w io.Writer, plan []prunedSet) {
	rows := [][]string{{"", "STEP", "SIZE", "NAME", "WHY"}}
	for _, s := range plan {
		mark := "keep"
		if !s.Keep {
			mark = "delete"
		}
		rows = append(rows, []string{mark, fmt.Sprint(s.Step), size(s.Bytes), s.Name, s.Why})
	}
	writeTable(w, rows)
}

func doomed(plan []prunedSet) (gone int, freed int64) {
	for _, s := range plan {
		if !s.Keep {
			gone++
			freed += s.Bytes
		}
	}
	return gone, freed
}

// agreed asks a person; whatever is no yes is a no.
func agreed(c *cobra.Command, question string) bool {
	fmt.Fprintf(c.ErrOrStderr(), "%s [y/N] ", question)
	answer, _ := readLine(c.Context(), c.InOrStdin()) // the end of the input is a no
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}

// carryOut deletes the oldest first: whatever ends it, the newest are there.
func carryOut(plan []prunedSet) error {
	for _, s := range slices.Backward(plan) {
		if s.Keep {
			continue
		}
		for _, path := range s.Paths {
			if err := checkpoint.Remove(path); err != nil {
				return api.Errorf(api.CodeDenied, "%s could not be deleted: %v", path, err).
					WithRemedy("run ftctl as the user who trained")
			}
		}
	}
	return nil
}

// planPrune decides about sets, which are in the order of a plan already.
func planPrune(sets []trainedSet, keep checkpoint.Retention) []prunedSet {
	candidates := make([]checkpoint.Candidate, len(sets))
	for i, s := range sets {
		candidates[i] = checkpoint.Candidate{Name: s.Name, Step: -1, Bytes: s.Bytes, Verified: s.Complete, Ours: !s.foreign}
		if s.Step != nil {
			candidates[i].Step = *s.Step
		}
		if s.Loss != nil {
			loss := float64(*s.Loss)
			candidates[i].Loss = &loss
		}
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
