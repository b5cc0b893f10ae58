package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"ftd/checkpoint"
)

// shownCheckpoint is what `ckpt show -o json` prints.
type shownCheckpoint struct {
	checkpoint.Verdict
	Contents []*checkpoint.Tensor `json:"contents"`
}

func newCkptShowCommand() *cobra.Command {
	var opt checkpoint.Options
	c := &cobra.Command{
		Use:   "show FILE",
		Short: "List the tensors of a checkpoint",
		Long: `show lists the tensors of a checkpoint with type, shape and size, in the order of
the file, and says whether it is complete; of a damaged one it shows what comes
before the damage. --deep also counts NaN and Inf in each tensor.

-o json prints the object of ` + "`ftctl ckpt verify`" + ` with an array "contents" of
{name, type, shape, bytes}, with --deep also values {nan, inf} of those that
hold floating-point numbers.

The exit status is 1 if the checkpoint is incomplete.`,
		Example: `  ftctl ckpt show llama_7b_lora_rank_0-1_100.ckpt
  ftctl ckpt show -o json model.safetensors | jq '[.contents[].bytes] | add'`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, words []string) error { return runCkptShow(c, opt, words[0]) },
	}
	c.Flags().BoolVar(&opt.Deep, "deep", false, "read every byte: check the CRC, count NaN and Inf")
	return c
}

func runCkptShow(c *cobra.Command, opt checkpoint.Options, path string) error {
	shown := shownCheckpoint{Contents: []*checkpoint.Tensor{}}
	var err error
	shown.Verdict, err = during(c, "reading "+path, deepTotal(opt, path), func() (checkpoint.Verdict, error) {
		return checkpoint.Inspect(c.Context(), path, opt, func(t *checkpoint.Tensor) error {
			shown.Contents = append(shown.Contents, t)
			return nil
		})
	})
	if err != nil {
		return ckptError(err)
	}
	w := c.OutOrStdout()
	if wantJSON(c) {
		err = printJSON(w, shown)
	} else {
		writeTensors(w, shown.Contents, opt.Deep)
		writeVerdict(w, &shown.Verdict, newPalette(w, noColor(c)))
	}
	if err == nil && !shown.Complete {
		return verdict(exitFailed)
	}
	return err
}

// deepTotal is how many bytes a look at checkpoints reads, 0 where it skips most.
func deepTotal(opt checkpoint.Options, paths ...string) int64 {
	if !opt.Deep {
		return 0
	}
	return sizes(paths)
}

func writeTensors(w io.Writer, tensors []*checkpoint.Tensor, deep bool) {
	if len(tensors) == 0 {
		return
	}
	head := []string{"TENSOR", "TYPE", "SHAPE", "SIZE"}
	if deep {
		head = append(head, "NAN", "INF")
	}
	rows := [][]string{head}
	for _, t := range tensors {
		row := []string{t.Name, t.Type, shape(t.Shape), size(t.Bytes)}
		if deep && t.Values != nil {
			row = append(row, fmt.Sprint(t.Values.NaN), fmt.Sprint(t.Values.Inf))
		}
		rows = append(rows, row)
	}
	writeTable(w, rows)
	fmt.Fprintln(w)
}

// shape writes a shape as "4096 x 128", a scalar as "scalar".
func shape(dims []int64) string {
	if len(dims) == 0 {
		return "scalar"
	}
	words := make([]string, len(dims))
	for i, d := range dims {
		words[i] = fmt.Sprint(d)
	}
	return strings.Join(words, " x ")
}
