package main

import (
	"fmt"
	"strings"
	"time"

	"ftd/api"
	"ftd/logparse"
)

// summaryText says in words what became of each training, and of the logs of
// several ranks which one tells of what the others follow from.
type summaryText struct {
	*logReader
	failed    int  // how many of the logs tell of an error
	ranks     bool // one of the logs is that of a rank: they belong together
	first     *logparse.Summary
	firstPath string
}

func (v *summaryText) file(path string) error {
	s, err := v.summarize(path)
	if err != nil {
		return err
	}
	if v.files > 1 {
		v.w.WriteByte('\n')
	}
	if _, ok := logparse.RankOf(path); ok {
		v.ranks = true
	}
	p := newPalette(v.c.OutOrStdout(), noColor(v.c))
	row := func(name, format string, args ...any) {
		fmt.Fprintf(v.w, "%s %s\n", pad(name, 12), fmt.Sprintf(format, args...))
	}
	row("log", "%s", plain(path))
	row("ended", "%s", endedWords(s, p))
	if s.Runs > 1 {
		row("runs", "%d in this file; the end is that of the newest", s.Runs)
	}
	if s.Last != nil {
		stepRows(s, row, p)
	}
	for _, ph := range s.Phases {
		if ph.Phase == logparse.PhaseCompiling {
			row("compiling", "%s", took(time.Duration(ph.Seconds*float64(time.Second))))
		}
	}
	if n := s.Checkpoints(); n > 0 {
		row("checkpoints", "%d", n)
	}
	for i := range s.Errors {
		v.problem(kindOf(&s.Errors[i], s), &s.Errors[i], s.ErrorLines[i], p)
	}
	if len(s.Errors) > 0 {
		v.failed++
		if v.first == nil {
			v.first, v.firstPath = s, path
		} else if i, _ := logparse.FirstCause(v.first, s); i == 1 {
			v.first, v.firstPath = s, path
		}
	}
	return nil
}

func (v *summaryText) end() {
	if v.failed < 2 || !v.ranks {
		return
	}
	cause := v.first.Cause()
	for i := range v.first.Errors {
		if &v.first.Errors[i] == cause {
			fmt.Fprintf(v.w, "\n%s %s in %s, line %d; what the other logs tell of came later or follows from it\n",
				pad("first cause", 12), cause.Signature.ID, plain(v.firstPath), v.first.ErrorLines[i])
		}
	}
}

func endedWords(s *logparse.Summary, p palette) string {
	switch cause := s.Cause(); {
	case s.Completed:
		return p.green("completed")
	case cause != nil:
		return p.red("with an error: " + cause.Signature.ID)
	case s.Phase != "":
		return p.yellow("the log ends while " + string(s.Phase))
	}
	return "the log does not say"
}

func stepRows(s *logparse.Summary, row func(string, string, ...any), p palette) {
	of := ""
	if n := s.TotalSteps(); n > 0 {
		of = fmt.Sprintf(" of %d", n)
	}
	row("steps", "%d lines, the last is step %d%s", s.Steps, s.Last.GlobalStep(), of)
	if !s.Last.NoLoss {
		row("loss", "%s → %s", number(api.Float(s.First.Loss)), number(api.Float(s.Last.Loss)))
	}
	switch h := s.Health(); h {
	case logparse.HealthOK, logparse.HealthUnknown:
	default:
		row("health", "%s", p.red(healthWords(h)))
	}
	if d := s.MedianStep(); d > 0 {
		row("step time", "%s (median)", d.Round(10*time.Microsecond))
	}
	if left, ok := s.TimeLeft(); ok && !s.Completed {
		row("time left", "%s, had it gone on", took(left))
	}
	if s.OverflowSteps > 0 {
		row("overflow", "%d of %d steps", s.OverflowSteps, s.Steps)
	}
	if text := scaleWords(s); text != "" {
		row("loss scale", "%s", text)
	}
	if s.NonFiniteSteps > 0 {
		row("not finite", "the loss of %d steps", s.NonFiniteSteps)
	}
}

// scalesShown is how many changes of the loss scale fit on a line.
const scalesShown = 6

// scaleWords tells how the loss scale went; "" if it never changed.
func scaleWords(s *logparse.Summary) string {
	changes, all := s.ScaleChanges()
	if all < 2 {
		return ""
	}
	var words []string
	if all > scalesShown {
		changes = changes[len(changes)-scalesShown:]
		words = append(words, fmt.Sprintf("%d changes, the last", all-1))
	}
	for _, c := range changes {
		words = append(words, fmt.Sprintf("%s from step %d", number(api.Float(c.Value)), c.Step))
	}
	return strings.Replace(strings.Join(words, ", "), "last,", "last:", 1)
}

func healthWords(h logparse.Health) string {
	switch h {
	case logparse.HealthFlat:
		return "flat: the loss is the same to the last digit, step after step; nothing is learnt"
	case logparse.HealthDiverging:
		return "diverging: the loss grows far beyond its best"
	case logparse.HealthOverflowing:
		return "overflowing: every step overflows, the weights do not change"
	case logparse.HealthNonFinite:
		return "not finite: the loss is not a number any more"
	}
	return string(h)
}

// kindOf names what an error is to the training: one that is usually a
// consequence is the error itself if there is no other, and hardly worth a word
// if nothing came of it.
func kindOf(e *logparse.Problem, s *logparse.Summary) string {
	switch {
	case e.Signature.Secondary && s.Completed:
		return "note"
	case e.Signature.Secondary && e != s.Cause():
		return "follows"
	}
	return "error"
}

func (v *summaryText) problem(kind string, e *logparse.Problem, line int64, p palette) {
	cause, remedy := e.Signature.Text(v.locale)
	fmt.Fprintf(v.w, "%s %s, line %d\n", pad(kind, 12), p.bold(e.Signature.ID), line)
	indent := strings.Repeat(" ", 13)
	fmt.Fprintf(v.w, "%s%s\n", indent, fit(plain(e.Text), 300))
	fmt.Fprintf(v.w, "%scause: %s\n%swhat to do: %s\n", indent, cause, indent, remedy)
}
