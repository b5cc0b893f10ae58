package main

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"ftd/api"
	"ftd/logparse"
)

type parseOptions struct {
	summary, csv, plot bool
	signatures         string
}

func newParseCommand() *cobra.Command {
	var o parseOptions
	c := &cobra.Command{
		Use:   "parse [FILE...]",
		Short: "Read training logs: records, a summary, the steps as a table or a picture",
		Long: `parse reads what MindSpore and mindformers printed while they trained: captured
output, rank_N/info.log, the logs of msrun; gzip is unpacked on the way. FILE -
is stdin, which is also read where no file is named.

It prints one JSON object a line for each record: steps, epochs, phases, saves,
known errors. --summary says instead what became of the training: its steps,
its loss, its checkpoints, and each error with line, cause and remedy (in
Chinese where the locale is). --csv is a table of the steps, --plot a picture
of the loss.

-o json prints an object for one file and an array for several. A number that
is not finite is "NaN", "Infinity" or "-Infinity".

Exit status 1 if a file could not be read; errors that a log tells of are data.`,
		Example: `  ftctl parse --summary output.log
  ftctl parse --summary -o json worker_*.log
  ftctl parse --csv rank_0/info.log > steps.csv
  zcat old.log.gz | ftctl parse --plot`,
		Annotations: map[string]string{outputs: "csv"},
		RunE:        func(c *cobra.Command, args []string) error { return runParse(c, o, args) },
	}
	c.Flags().BoolVar(&o.summary, "summary", false, "what became of the training")
	c.Flags().BoolVar(&o.csv, "csv", false, "the steps as a table (also -o csv)")
	c.Flags().BoolVar(&o.plot, "plot", false, "the loss as a picture")
	c.Flags().StringVar(&o.signatures, "signatures", "", "a YAML file with error signatures of your own, tried before the built-in ones")
	return c
}

func runParse(c *cobra.Command, o parseOptions, files []string) error {
	if err := o.check(c); err != nil {
		return err
	}
	if len(files) == 0 {
		if in, ok := c.InOrStdin().(*os.File); ok && isTerminal(in) {
			return usageError("see ftctl parse --help", "ftctl parse needs a log file, or one on stdin")
		}
		files = []string{"-"}
	}
	opts, err := o.reading()
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(c.OutOrStdout(), 64<<10)
	bar := &progress{} // records come by
	if !isTerminal(c.OutOrStdout()) || o.summary || o.plot {
		bar = showProgress(c, "reading", sizes(files))
		defer bar.stop()
	}
	p := &logReader{c: c, w: w, opts: opts, several: len(files) > 1, locale: locale(), bar: bar}
	view := p.view(o)
	view.begin()
	failed := false
	for _, path := range files {
		err := view.file(path)
		if c.Context().Err() != nil {
			return c.Context().Err()
		}
		if err == nil {
			continue
		}
		failed = true
		// What was read before stays the data; the sentence goes to stderr.
		if err := w.Flush(); err != nil {
			return err
		}
		if len(files) == 1 {
			return asLogError(err)
		}
		bar.stop()
		printError(c.ErrOrStderr(), asLogError(err), wantJSON(c), newPalette(c.ErrOrStderr(), noColor(c)))
	}
	bar.stop()
	view.end()
	if err := w.Flush(); err != nil {
		return err
	}
	if failed {
		return verdict(exitFailed)
	}
	return nil
}

// check refuses what cannot be had together. -o csv is --csv.
func (o *parseOptions) check(c *cobra.Command) error {
	if o.summary && (o.csv || o.plot) || o.csv && o.plot {
		return usageError("choose one", "--summary, --csv and --plot are three ways to show a log")
	}
	if output(c) == "csv" {
		if o.summary || o.plot {
			return usageError("leave out -o csv", "a summary or a picture cannot be had as csv")
		}
		o.csv = true
	}
	if wantJSON(c) && (o.csv || o.plot) {
		return usageError("leave out -o json", "--csv and --plot cannot be had as json")
	}
	return nil
}

// reading is how logs are read.
func (o *parseOptions) reading() ([]logparse.Option, error) {
	if o.signatures == "" {
		return nil, nil
	}
	table, err := logparse.Signatures().WithFile(o.signatures)
	if err != nil {
		return nil, usageError("correct the file; its rows are described in the package logparse", "%s", err)
	}
	return []logparse.Option{logparse.WithTable(table)}, nil
}

// logReader reads log files for one of the views.
type logReader struct {
	c       *cobra.Command
	w       *bufio.Writer
	opts    []logparse.Option
	several bool
	locale  string
	files   int
	bar     *progress
}

// logView is one way to show logs.
type logView interface {
	begin()
	file(path string) error
	end()
}

func (p *logReader) view(o parseOptions) logView {
	switch {
	case o.summary && wantJSON(p.c):
		return &summaryObjects{p}
	case o.summary:
		return &summaryText{logReader: p}
	case o.csv:
		return newStepTable(p)
	case o.plot:
		return &lossPictures{p}
	case wantJSON(p.c):
		return &recordObjects{p}
	}
	return &recordLines{p}
}

func (p *logReader) begin() {}
func (p *logReader) end()   {}

func (p *logReader) read(path string, emit func(*logparse.Record)) error {
	p.files++
	p.bar.say("reading " + filepath.Base(path))
	if path == "-" {
		return named("stdin", logparse.Read(p.c.Context(), p.c.InOrStdin(), emit, p.opts...))
	}
	return logparse.ReadFile(p.c.Context(), path, emit, p.opts...)
}

func (p *logReader) summarize(path string) (*logparse.Summary, error) {
	s := &logparse.Summary{}
	return s, p.read(path, s.Add)
}

// named puts a name on an error of a stream.
func named(name string, err error) error {
	var in *logparse.InputError
	if errors.As(err, &in) {
		in.Path = name
	}
	return err
}

// asLogError gives an error of reading a log the form of all errors.
func asLogError(err error) error {
	var in *logparse.InputError
	if errors.As(err, &in) {
		return &api.Error{Code: in.Code, Message: in.Path + ": " + in.Reason, Remedy: in.Remedy}
	}
	return err
}

// locale is the language of messages, by the usual variables.
func locale() string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := os.Getenv(name); v != "" {
			return v
		}
	}
	return ""
}
