package main

import (
	"bufio"
	"encoding/json"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"ftd/api"
)

type logsOptions struct {
	follow  bool
	step    string
	attempt string
	rank    int
	tail    int
}

func newLogsCommand() *cobra.Command {
	var o logsOptions
	c := &cobra.Command{
		Use:   "logs JOB",
		Short: "Print what a job's steps and its training wrote",
		Long: `logs prints the output of all steps in their order, or of one; with -f it goes on
until the job has ended. Where it comes from several files, a line
"==> train.1/rank_0.log <==" begins each. With -o json each line is an object
{"file": …, "line": …}.`,
		Example: `  ftctl logs -f JOB
  ftctl logs JOB --step train --tail 50
  ftctl logs JOB --step train --rank 7`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeJobs,
		RunE:              func(c *cobra.Command, args []string) error { return runLogs(c, o, args[0]) },
	}
	f := c.Flags()
	f.BoolVarP(&o.follow, "follow", "f", false, "go on as it grows, until the job has ended")
	f.StringVar(&o.step, "step", "", "only this `step`")
	f.StringVar(&o.attempt, "attempt", "", "only this `attempt`, such as train.1")
	f.IntVar(&o.rank, "rank", 0, "of a training with several processes, that of this `rank`")
	f.IntVar(&o.tail, "tail", 0, "only the last `N` lines of each log")
	return c
}

func runLogs(c *cobra.Command, o logsOptions, job string) error {
	if o.tail < 0 || o.rank < 0 {
		return usageError("see ftctl logs --help", "--tail and --rank are numbers from 0 on")
	}
	q := api.LogsQuery{Step: o.step, Attempt: o.attempt, Follow: o.follow, Tail: o.tail}
	if c.Flags().Changed("rank") {
		q.Rank = &o.rank
	}
	client := connect(c)
	defer client.Close()
	text, err := client.Logs(c.Context(), job, q)
	if err != nil {
		return err
	}
	defer text.Close()
	if wantJSON(c) {
		err = linesToJSON(c.OutOrStdout(), text)
	} else {
		_, err = io.Copy(c.OutOrStdout(), text)
	}
	if ctxErr := c.Context().Err(); ctxErr != nil {
		return ctxErr
	}
	return err
}

// logLine is a line of a log in JSON.
type logLine struct {
	File string `json:"file,omitempty"`
	Line string `json:"line"`
}

func linesToJSON(w io.Writer, text io.Reader) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	lines := bufio.NewReader(text)
	file := ""
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			line = strings.TrimSuffix(line, "\n")
			if name, ok := fileMark(line); ok {
				file = name
			} else if err := enc.Encode(logLine{file, line}); err != nil {
				return err
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
