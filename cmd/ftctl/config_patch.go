package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"ftd/api"
	"ftd/recipe/yamledit"
)

type configPatchOptions struct {
	write bool
	to    string
}

func newConfigPatchCommand() *cobra.Command {
	var o configPatchOptions
	c := &cobra.Command{
		Use:   "patch FILE|- PATH=VALUE...",
		Short: "Set values in a YAML and keep every other byte",
		Long: `patch sets values in a YAML file by their paths: names and, in lists, numbers
from 0, with points between them. Comments, order, quotes, anchors and aliases
stay byte for byte as they are. A path must be there, and one that leads through
an alias changes the value at its anchor. A value takes the type of the one that
it replaces, where a whole number may become a fraction; a list is written as
[a, b].

The result goes to stdout, or into the file with --write; nothing is written if
any of the values cannot be set. "-" reads standard input. No daemon is needed.

-o json prints path, written, and changed: each line that changed, with line,
before and after.`,
		Example: `  ftctl config patch run_llama_7b_lora.yaml runner_config.epochs=1 > mine.yaml
  ftctl config patch run_glm_6b_lora.yaml --write \
      load_checkpoint=glm_6b.ckpt \
      train_dataset.data_loader.dataset_dir=/data/AdvertiseGen/train.json \
      train_dataset.tokenizer.vocab_file=/data/ice_text.model`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error { return runConfigPatch(c, o, args[0], args[1:]) },
	}
	c.Flags().BoolVarP(&o.write, "write", "w", false, "write the result into the file instead of to stdout")
	c.Flags().StringVar(&o.to, "to", "", "write the result into this file instead")
	c.MarkFlagsMutuallyExclusive("write", "to")
	return c
}

// patched is what became of a file.
type patched struct {
	Path    string        `json:"path"`
	Written string        `json:"written,omitempty"`
	Changed []changedLine `json:"changed"`
}

type changedLine struct {
	Line   int    `json:"line"`
	Before string `json:"before"`
	After  string `json:"after"`
}

func runConfigPatch(c *cobra.Command, o configPatchOptions, file string, words []string) error {
	set := make(map[string]any, len(words))
	for _, w := range words {
		path, value, ok := strings.Cut(w, "=")
		if !ok || path == "" {
			return usageError("write: "+c.CommandPath()+" "+file+" PATH=VALUE", "%q is not of the form PATH=VALUE", w)
		}
		set[path] = value
	}
	if o.write && file == "-" {
		return usageError("leave out --write, or name a file with --to", "--write cannot write into standard input")
	}
	source, err := readConfig(c, file)
	if err != nil {
		return err
	}
	result, err := yamledit.Edit(source, set)
	if err != nil {
		return api.Errorf(api.CodeBadRequest, "%s: %s", file, err).WithRemedy("nothing was written; correct the path or the value")
	}
	p := patched{Path: file, Written: o.to, Changed: changedLines(source, result)}
	if o.write {
		p.Written = file
	}
	if p.Written != "" {
		if err := replaceFile(p.Written, result); err != nil {
			return err
		}
	}
	w := c.OutOrStdout()
	switch {
	case wantJSON(c):
		return printJSON(w, p)
	case p.Written == "":
		_, err = w.Write(result)
		return err
	}
	for _, l := range p.Changed {
		fmt.Fprintf(w, "%s:%d: %s\n", p.Written, l.Line, l.After)
	}
	return nil
}

func readConfig(c *cobra.Command, file string) ([]byte, error) {
	if file == "-" {
		return readInput(c.Context(), c.InOrStdin())
	}
	source, err := os.ReadFile(file)
	var at *fs.PathError
	if errors.As(err, &at) {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, api.Errorf(api.CodeNotFound, "there is no file %s", file).WithRemedy("give the path of a mindformers YAML")
		}
		return nil, fileError(err)
	}
	return source, err
}

// replaceFile puts a whole new content in place of a file, which keeps its
// permissions: a reader sees the old one or the new one.
func replaceFile(path string, content []byte) error {
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	if err := renameio.WriteFile(path, content, mode, renameio.IgnoreUmask()); err != nil {
		return api.Errorf(api.CodeBadRequest, "%s cannot be written: %s", path, err).WithRemedy("check who may write into its directory, and the space on its disk")
	}
	return nil
}

// changedLines lists the lines that differ; editing keeps their number unless
// a value of several lines was set.
func changedLines(before, after []byte) []changedLine {
	old, fresh := bytes.Split(before, []byte("\n")), bytes.Split(after, []byte("\n"))
	lines := []changedLine{}
	for i := range min(len(old), len(fresh)) {
		if !bytes.Equal(old[i], fresh[i]) {
			lines = append(lines, changedLine{Line: i + 1, Before: string(old[i]), After: string(fresh[i])})
		}
	}
	return lines
}
