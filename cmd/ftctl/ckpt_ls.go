package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ftd/api"
	"ftd/checkpoint"
)

func newCkptLsCommand() *cobra.Command {
	var ranks int
	c := &cobra.Command{
		Use:     "ls JOB|DIR",
		Aliases: []string{"list"},
		Short:   "List the training checkpoints of a job or in a directory, and where to go on from",
		Long: `ls puts the files of all ranks together: one line for each step, the highest
first; of a job also the loss at that step, which takes the daemon. What exists
as a directory is taken for one. A checkpoint can be resumed from if every rank has a complete file; the
one to resume from is marked with *. Weights-only files, and what a failing
training saved (_breakpoint), are not states to go on from: see ftctl ckpt verify.

-o name prints only the names, -o wide also the directories. -o json prints an array of {name, complete, reason, epoch, step, bytes,
modified, files, loss}; the first one that is complete is the one to resume from.`,
		Example: `  ftctl ckpt ls my-job
  ftctl ckpt ls output/checkpoint
  ftctl ckpt ls --ranks 8 output/checkpoint
  ftctl ckpt ls -o name my-job
  ftctl ckpt ls -o json output | jq -r 'map(select(.complete))[0].files[].path'`,
		Args:              cobra.ExactArgs(1),
		Annotations:       map[string]string{outputs: "wide name"},
		ValidArgsFunction: completeJobOrDir,
		RunE:              func(c *cobra.Command, words []string) error { return runCkptLs(c, ranks, words[0]) },
	}
	c.Flags().IntVar(&ranks, "ranks", 0, "how many ranks the training has (default: those that are there)")
	return c
}

func runCkptLs(c *cobra.Command, ranks int, ref string) error {
	sets, err := listedSets(c, ranks, ref)
	if err != nil {
		return err
	}
	w := c.OutOrStdout()
	switch output(c) {
	case "json":
		return printJSON(w, sets)
	case "name":
		for i := range sets {
			fmt.Fprintln(w, plain(sets[i].Name))
		}
		return nil
	}
	p := newPalette(w, noColor(c))
	writeSets(w, sets, p, time.Now(), output(c) == "wide")
	return writeLeftovers(c, w, sets, p)
}

// writeLeftovers tells of temporary files beside the checkpoints.
func writeLeftovers(c *cobra.Command, w io.Writer, sets []trainedSet, p palette) error {
	dirs := map[string]bool{}
	for i := range sets {
		for _, f := range sets[i].Files {
			dirs[filepath.Dir(f.Path)] = true
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		paths, err := checkpoint.Leftovers(c.Context(), dir)
		if err != nil {
			return err
		}
		for _, path := range paths {
			info, err := os.Lstat(path)
			if err != nil {
				continue // its save has finished
			}
			modified := info.ModTime()
			fmt.Fprintf(w, "%s %s: %s, changed %s; it is being saved, or was when the training ended\n",
				p.yellow("unfinished"), plain(path), size(info.Size()), ago(&modified, time.Now()))
		}
	}
	return nil
}

// listedSets takes what is no directory, and does not look like one, for a job.
func listedSets(c *cobra.Command, ranks int, ref string) ([]trainedSet, error) {
	if _, err := os.Stat(ref); errors.Is(err, fs.ErrNotExist) && !strings.Contains(ref, "/") {
		return jobSets(c, ranks, ref)
	}
	sets, err := checkpointSets(c, ranks, ref)
	trained := make([]trainedSet, len(sets))
	for i := range sets {
		trained[i].Set = sets[i]
	}
	return trained, err
}

// checkpointSets finds the training checkpoints in a directory.
func checkpointSets(c *cobra.Command, ranks int, dir string) ([]checkpoint.Set, error) {
	if ranks < 0 {
		return nil, usageError("write: "+c.CommandPath()+" --ranks 8 DIR", "--ranks %d is not a number of ranks", ranks)
	}
	sets, err := during(c, "reading the checkpoints of "+dir, 0, func() ([]checkpoint.Set, error) {
		return checkpoint.Sets(c.Context(), dir, ranks, checkpoint.Options{})
	})
	if err != nil {
		return nil, ckptError(err)
	}
	if len(sets) == 0 {
		return nil, api.Errorf(api.CodeNotFound, "there is no training checkpoint in %s", dir).
			WithRemedy("look for other files with: ftctl ckpt verify %s", dir)
	}
	return sets, nil
}

// writeSets prints the table of checkpoints; wide also where they are.
func writeSets(w io.Writer, sets []trainedSet, p palette, now time.Time, wide bool) {
	// The highest step comes first, see checkpoint.Newest.
	newest := slices.IndexFunc(sets, func(s trainedSet) bool { return s.Complete })
	rows := [][]string{{"", "STEP", "EPOCH", "LOSS", "SIZE", "AGE", "RANKS", "STATE", "NAME"}}
	if wide {
		rows[0] = append(rows[0], "DIRECTORY")
	}
	for i := range sets {
		s := &sets[i]
		mark, state := " ", "complete"
		if i == newest {
			mark = "*"
		}
		if !s.Complete {
			state = "incomplete"
		}
		rows = append(rows, []string{mark, maybe(s.Step), maybe(s.Epoch), lossAt(s.Loss), size(s.Bytes), ago(&s.Modified, now),
			fmt.Sprint(len(s.Files)), state, s.Name})
		if wide && len(s.Files) > 0 {
			rows[len(rows)-1] = append(rows[len(rows)-1], filepath.Dir(s.Files[0].Path))
		}
	}
	writeTable(w, rows)
	for i := range sets {
		if !sets[i].Complete {
			fmt.Fprintf(w, "%s %s: %s\n", p.red("incomplete"), plain(sets[i].Name), plain(sets[i].Reason))
		}
	}
	if newest < 0 {
		fmt.Fprintln(w, p.red("none can be resumed from"))
	}
}

func lossAt(loss *api.Float) string {
	if loss == nil {
		return "-"
	}
	return number3(*loss)
}
