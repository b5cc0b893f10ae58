package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"ftd/checkpoint"
)

func newCkptDiffCommand() *cobra.Command {
	var opt checkpoint.Options
	c := &cobra.Command{
		Use:   "diff A B",
		Short: "Compare two checkpoints",
		Long: `diff compares two complete checkpoints by the names, types and shapes of their
tensors; with --deep also by their values. A .ckpt and a .safetensors can be
compared.

-o json prints {a, b, same, only_a, only_b, changed, values}; values is there
with --deep only and counts the elements that differ in each tensor.

The exit status is 1 if they differ.`,
		Example: `  ftctl ckpt diff base.ckpt tuned.ckpt
  ftctl ckpt diff --deep base.ckpt converted.safetensors`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, words []string) error { return runCkptDiff(c, opt, words[0], words[1]) },
	}
	c.Flags().BoolVar(&opt.Deep, "deep", false, "compare the values too")
	c.Flags().BoolVar(&opt.AnyWriter, "any-writer", false, "accept PREFIX-EPOCH_STEP files that mindformers did not write")
	return c
}

func runCkptDiff(c *cobra.Command, opt checkpoint.Options, a, b string) error {
	d, err := during(c, "comparing", deepTotal(opt, a, b), func() (checkpoint.Difference, error) { return checkpoint.Diff(c.Context(), a, b, opt) })
	if err != nil {
		return ckptError(err)
	}
	w := c.OutOrStdout()
	if wantJSON(c) {
		err = printJSON(w, d)
	} else {
		writeDifference(w, &d, opt.Deep, newPalette(w, noColor(c)))
	}
	if err == nil && !d.Equal() {
		return verdict(exitFailed)
	}
	return err
}

func writeDifference(w io.Writer, d *checkpoint.Difference, deep bool, p palette) {
	for _, name := range d.OnlyA {
		fmt.Fprintf(w, "%s %s\n", p.red("-"), plain(name))
	}
	for _, name := range d.OnlyB {
		fmt.Fprintf(w, "%s %s\n", p.green("+"), plain(name))
	}
	for _, t := range d.Changed {
		fmt.Fprintf(w, "%s %s: %s of %s, %s of %s\n", p.yellow("~"), plain(t.Name),
			plain(t.A.Type), shape(t.A.Shape), plain(t.B.Type), shape(t.B.Shape))
	}
	for _, t := range d.Values {
		fmt.Fprintf(w, "%s %s: %d of %d values differ, by at most %.3g\n", p.yellow("~"), plain(t.Name), t.Elements, t.Of, t.Largest)
	}
	what := "type and shape"
	if deep {
		what = "type, shape and values"
	}
	fmt.Fprintf(w, "%d tensors have the same %s; %d only in the first, %d only in the second, %d differ\n",
		d.Same, what, len(d.OnlyA), len(d.OnlyB), len(d.Changed)+len(d.Values))
}
