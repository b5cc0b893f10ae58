package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"ftd/checkpoint"
)

func newCkptVerifyCommand() *cobra.Command {
	var opt checkpoint.Options
	c := &cobra.Command{
		Use:   "verify PATH...",
		Short: "Say whether checkpoints are complete",
		Long: `verify says of each checkpoint whether it is complete, and why not. A directory
stands for all checkpoints in it; the directory iteration_N of mindformers 1.7
and later is one checkpoint.

By default only the structure is read: a few KiB per tensor, whatever its size.
--deep reads everything: it checks the CRC if the file was saved with one, and
counts NaN and Inf, which do not make a checkpoint incomplete.

A training checkpoint (PREFIX-EPOCH_STEP.ckpt) ends with epoch_num, step_num
and loss_scale, so one that was cut between two tensors is found out. One of
MindSpore's own ModelCheckpoint (no rank in PREFIX) ends with the optimizer's
state, which must be there for every weight. Weights alone have no such end:
compare them with an earlier file of the same model by --like.

-o json prints an object with path, complete, reason, format, tensors, bytes,
epoch and step (null where unknown); for several files or a directory an array.

The exit status is 1 if one is incomplete.`,
		Example: `  ftctl ckpt verify output/checkpoint
  ftctl ckpt verify --deep llama_7b_lora_rank_0-1_100.ckpt
  ftctl ckpt verify --like open_llama_7b.ckpt copy.ckpt
  ftctl ckpt verify -o json output/checkpoint | jq -r '.[] | select(.complete) | .path'`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, words []string) error { return runCkptVerify(c, opt, words) },
	}
	c.Flags().BoolVar(&opt.Deep, "deep", false, "read every byte: check the CRC, count NaN and Inf")
	c.Flags().StringVar(&opt.Like, "like", "", "every tensor of this complete `FILE` must be there")
	c.Flags().BoolVar(&opt.AnyWriter, "any-writer", false, "accept PREFIX-EPOCH_STEP files that mindformers did not write")
	return c
}

func runCkptVerify(c *cobra.Command, opt checkpoint.Options, words []string) error {
	failed := newFailures(c)
	paths, single := checkpointPaths(c, words, failed)
	asked := len(paths)
	if !single {
		asked = -1 // an array, even of one
	}
	var verdicts []checkpoint.Verdict
	incomplete := false
	total := int64(0) // the structure alone is read in no time
	if opt.Deep {
		total = sizes(paths)
	}
	bar := showProgress(c, "verifying", total)
	defer bar.stop()
	for _, path := range paths {
		bar.say("verifying " + filepath.Base(path))
		v, err := checkpoint.Verify(c.Context(), path, opt)
		if err != nil {
			if c.Context().Err() != nil {
				return c.Context().Err()
			}
			failed.add(ckptError(err))
			continue
		}
		incomplete = incomplete || !v.Complete
		verdicts = append(verdicts, v)
	}
	bar.stop()
	w := c.OutOrStdout()
	if wantJSON(c) {
		if err := printOneOrMany(w, verdicts, asked); err != nil {
			return err
		}
	} else {
		p := newPalette(w, noColor(c))
		for i := range verdicts {
			writeVerdict(w, &verdicts[i], p)
		}
	}
	if incomplete {
		failed.flush()
		return verdict(exitFailed)
	}
	return failed.err()
}

// writeVerdict says it in a line: "complete", or "INCOMPLETE" with the reason.
func writeVerdict(w io.Writer, v *checkpoint.Verdict, p palette) {
	path := plain(v.Path)
	if !v.Complete {
		fmt.Fprintf(w, "%s  %s: %s\n", p.red("INCOMPLETE"), path, plain(v.Reason))
	} else {
		fmt.Fprintf(w, "%s    %s: %s\n", p.green("complete"), path, strings.Join(verdictWords(v), ", "))
	}
	if v.Deep == nil {
		return
	}
	if v.Deep.CRC != checkpoint.CRCNone {
		fmt.Fprintf(w, "            CRC %s\n", v.Deep.CRC)
	}
	if names := v.Deep.NonFinite; len(names) > 0 {
		fmt.Fprintf(w, "            %s: %d NaN, %d Inf, first in %s\n",
			p.yellow("not finite"), v.Deep.NaN, v.Deep.Inf, plain(strings.Join(names, ", ")))
	}
}

func verdictWords(v *checkpoint.Verdict) []string {
	words := []string{v.Format, fmt.Sprintf("%d tensors", v.Tensors), size(v.Bytes)}
	if v.Epoch != nil {
		words = append(words, fmt.Sprintf("epoch %d", *v.Epoch))
	}
	if v.Step != nil {
		words = append(words, fmt.Sprintf("step %d", *v.Step))
	}
	return words
}
