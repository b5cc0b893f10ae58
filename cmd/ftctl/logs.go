package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ftd/api"
)

type logsOptions struct {
	follow  bool
	step    string
	attempt string
	rank    int
	tail    int
	since   string
	grep    string
	quiet   bool
}

func newLogsCommand() *cobra.Command {
	var o logsOptions
	c := &cobra.Command{
		Use:   "logs JOB",
		Short: "Print what a job's steps and its training wrote",
		Long: `logs prints the output of all steps in their order, or of one; with -f it goes on
until the job has ended. Where it comes from several files, a line
"==> train.1/rank_0.log <==" begins each. With -o json each line is an object
{"file": …, "line": …}.

--since shows the lines written since then, by the times that they carry; one
without a time, as in a traceback, belongs to the one before it. --grep shows
the lines that match a regular expression (RE2). Both look at what --tail left.
Where no line is shown the exit status is 1, as grep's.`,
		Example: `  ftctl logs -f JOB
  ftctl logs JOB --step train --tail 50
  ftctl logs JOB --step train --rank 7
  ftctl logs JOB --since 10m --grep 'ERROR|WARNING'
  ftctl logs -f JOB --grep 'overflow cond: True'`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeOneJob,
		RunE:              func(c *cobra.Command, args []string) error { return runLogs(c, o, args[0]) },
	}
	f := c.Flags()
	f.BoolVarP(&o.follow, "follow", "f", false, "go on as it grows, until the job has ended")
	f.StringVar(&o.step, "step", "", "only this `step`")
	f.StringVar(&o.attempt, "attempt", "", "only this `attempt`, such as train.1")
	f.IntVar(&o.rank, "rank", 0, "of a training with several processes, that of this `rank`")
	f.IntVar(&o.tail, "tail", 0, "only the last `N` lines of each log; with -f, 0 is from now on")
	f.StringVar(&o.since, "since", "", "only what was written since this `TIME`: 10m, 2h, or 2026-03-01T12:00:00Z")
	f.StringVar(&o.grep, "grep", "", "only lines that match this regular `EXPRESSION`")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "with --grep: print nothing, the exit status says whether a line matches")
	complete(c, "step", completeOf(stepsOf))
	complete(c, "attempt", completeOf(attemptsOf))
	return c
}

// query is what the daemon is asked for.
func (o *logsOptions) query(c *cobra.Command) (api.LogsQuery, error) {
	q := api.LogsQuery{Step: o.step, Attempt: o.attempt, Follow: o.follow, Tail: o.tail}
	if o.tail < 0 || o.rank < 0 {
		return q, usageError("see ftctl logs --help", "--tail and --rank are numbers from 0 on")
	}
	if c.Flags().Changed("tail") && o.tail == 0 {
		q.Tail = api.NoTail
	}
	if c.Flags().Changed("rank") {
		q.Rank = &o.rank
	}
	return q, nil
}

// filter is what is shown of the daemon's answer.
func (o *logsOptions) filter() (*lineFilter, error) {
	if o.quiet && o.grep == "" {
		return nil, usageError("write: ftctl logs JOB -q --grep EXPRESSION", "-q needs --grep: its answer is the exit status")
	}
	return newLineFilter(o.since, o.grep, time.Now())
}

func runLogs(c *cobra.Command, o logsOptions, job string) error {
	q, err := o.query(c)
	if err != nil {
		return err
	}
	filter, err := o.filter()
	if err != nil {
		return err
	}
	client := connect(c)
	defer client.Close()
	if o.follow {
		if _, err := client.GetVersion(c.Context()); err != nil {
			return err
		}
		client = patient(client)
		defer client.Close()
	}
	text, err := openPatientLog(c.Context(), client, job, q, func() { say(c, awayText) })
	if err != nil {
		return err
	}
	defer text.Close()
	if !o.follow && (o.quiet || !isTerminal(c.OutOrStdout())) {
		bar := showProgress(c, "reading the log", 0)
		defer bar.stop()
	}
	if filter.all() && !wantJSON(c) {
		var wrote int64
		if wrote, err = io.Copy(c.OutOrStdout(), text); err == nil && wrote == 0 && q.Tail != api.NoTail {
			sayNothingWritten(c, client, job)
		}
	} else {
		out := bufio.NewWriterSize(c.OutOrStdout(), 64<<10)
		err = filterLines(text, filter, newLineWriter(out, wantJSON(c), o.quiet), out.Flush)
	}
	switch ctxErr := c.Context().Err(); {
	case ctxErr != nil:
		return ctxErr
	case err != nil:
		return err
	case !filter.all() && filter.shown == 0:
		if !o.quiet {
			say(c, "%s", filter.nothing())
		}
		return verdict(exitFailed)
	}
	return nil
}

// sayNothingWritten keeps people from taking an empty log for a broken one.
func sayNothingWritten(c *cobra.Command, client *api.Client, ref string) {
	job, err := client.Job(c.Context(), ref)
	switch {
	case err != nil: // it was there a moment ago, and nothing depends on it
	case job.State.Ended():
		say(c, "job %s has written nothing; it is %s", job.Name, job.State)
	default:
		say(c, "job %s has written nothing yet; it is %s. Follow it: ftctl logs -f %s", job.Name, job.State, ref)
	}
}

// logLine is a line of a log in JSON.
type logLine struct {
	File string `json:"file,omitempty"`
	Line string `json:"line"`
}

// lineWriter puts lines out; file is "" where there is one log only. It
// returns io.EOF when no more are wanted.
type lineWriter func(file, line string) error

func newLineWriter(w io.Writer, asJSON, quiet bool) lineWriter {
	told := ""
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return func(file, line string) error {
		switch {
		case quiet:
			return io.EOF
		case asJSON:
			return enc.Encode(logLine{file, line})
		case file != told:
			told = file
			if _, err := fmt.Fprintf(w, "==> %s <==\n", file); err != nil {
				return err
			}
		}
		_, err := fmt.Fprintln(w, line)
		return err
	}
}

// filterLines puts out the lines that a filter wants. flush is called before it
// waits for more, and at the end: a call of the system for each line would take
// most of the time.
func filterLines(text io.Reader, filter *lineFilter, put lineWriter, flush func() error) (err error) {
	lines := bufio.NewReaderSize(text, 64<<10)
	defer func() {
		if failure := flush(); err == nil {
			err = failure
		}
	}()
	file := ""
	for {
		if there, _ := lines.Peek(lines.Buffered()); bytes.IndexByte(there, '\n') < 0 {
			if err := flush(); err != nil {
				return err
			}
		}
		line, err := lines.ReadString('\n')
		if line != "" {
			line = strings.TrimSuffix(line, "\n")
			if name, ok := fileMark(line); ok {
				file = name
				filter.file()
			} else if filter.wants(line) {
				if err := put(file, line); errors.Is(err, io.EOF) {
					return nil
				} else if err != nil {
					return err
				}
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// fileMark reads the line that begins another file: "==> NAME <==".
func fileMark(line string) (string, bool) {
	name, ok := strings.CutPrefix(line, "==> ")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(name, " <==")
}
