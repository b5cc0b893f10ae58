package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"ftd/api"
)

func newShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show JOB",
		Short: "Show all about one job: steps, training, checkpoints, what went wrong",
		Long: `show prints a job with its steps and attempts, how its training stands, the
checkpoints that were verified, and if it failed what to do about it. The exit
status says whether the job could be shown, not how it ended (see ftctl wait).`,
		Example: `  ftctl show 01k9XQ
  ftctl show first-try
  ftctl show JOB -o json | jq .training`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeOneJob,
		RunE:              func(c *cobra.Command, args []string) error { return runShow(c, args[0]) },
	}
}

func runShow(c *cobra.Command, id string) error {
	client := connect(c)
	defer client.Close()
	job, err := client.Job(c.Context(), id)
	if err != nil {
		return err
	}
	if wantJSON(c) {
		return printJSON(c.OutOrStdout(), job)
	}
	writeJob(c.OutOrStdout(), job, time.Now(), newPalette(c.OutOrStdout(), noColor(c)))
	return nil
}

// writeJob prints all about a job for a person.
func writeJob(w io.Writer, j *api.Job, now time.Time, p palette) {
	facts := [][2]string{
		{"job", j.ID},
		{"name", j.Name},
		{"recipe", j.Recipe},
		{"state", string(j.State)},
		{"waits for", waitingText(j.Waiting, now)},
		{"cards", numbers(j.Cards)},
		{"priority", priorityText(j.Priority)},
		{"created", ago(&j.Created, now)},
		{"took", duration(j.Started, j.Ended, now)},
		{"directory", j.Dir},
	}
	var vars []string
	for _, key := range slices.Sorted(maps.Keys(j.Vars)) {
		vars = append(vars, key+"="+j.Vars[key])
	}
	facts = append(facts, [2]string{"vars", strings.Join(vars, " ")})
	t := tabwriter.NewWriter(w, 0, 8, 3, ' ', 0)
	for _, f := range facts {
		if f[1] != "" {
			fmt.Fprintf(t, "%s\t%s\n", plain(f[0]), plain(f[1]))
		}
	}
	t.Flush()

	if len(j.Steps) > 0 {
		fmt.Fprintln(w)
		writeSteps(w, j.Steps, now)
	}
	if t := j.Training; t != nil {
		fmt.Fprintln(w)
		if !j.Over() && t.Phase != "" {
			fmt.Fprintf(w, "now         %s\n", trainingNow(t, now))
		}
		writeTraining(w, t)
	}
	if j.Error != nil {
		fmt.Fprintln(w)
		writeError(w, j.Error, p)
	}
}

// waitingText says what a job waits for, "" if it does not.
func waitingText(w *api.Waiting, now time.Time) string {
	if w == nil {
		return ""
	}
	return fmt.Sprintf("%s since %s, #%d in line: %s", waitedFor(w), took(now.Sub(w.Since)), w.Position, w.Reason)
}

func waitedFor(w *api.Waiting) string {
	switch {
	case w.For == api.WaitForSlot:
		return "a slot"
	case w.Cards > 1:
		return fmt.Sprintf("%d cards", w.Cards)
	}
	return "a card"
}

func priorityText(n int) string {
	if n == 0 {
		return "" // as everybody has
	}
	return fmt.Sprint(n)
}

func writeSteps(w io.Writer, steps []api.Step, now time.Time) {
	rows := [][]string{{"STEP", "USES", "STATE", "ATTEMPTS", "TOOK", "PROGRESS"}}
	for i := range steps {
		s := &steps[i]
		progress := ""
		if s.Progress != nil {
			progress = progressText(s.Progress)
		}
		attempts := ""
		if n := len(s.Attempts); n > 0 {
			attempts = fmt.Sprint(n)
			if code := s.Attempts[n-1].ExitCode; code != nil {
				attempts += fmt.Sprintf(" (exit %d)", *code)
			}
		}
		rows = append(rows, []string{s.ID, s.Uses, string(s.State), attempts, duration(s.Started, s.Ended, now), progress})
	}
	writeTable(w, rows)
}
