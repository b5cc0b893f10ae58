package recipe

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ftd/checkpoint"
	"ftd/launcher"
	"ftd/logparse"
)

const messageLimit = 300 // runes of a log line in a message

// verdict says why a training that is over did not succeed; nil if it did.
func verdict(ctx context.Context, s *StepContext, run *launcher.Run, status launcher.Status) error {
	switch status.State {
	case launcher.StateInterrupted:
		return &Problem{
			Code:    CodeInterrupted,
			Message: "the training was interrupted: " + status.Reason,
			Remedy:  "run the recipe again; what the other steps made is still there. With restart: it goes on by itself",
			Source:  mainLog(run),
		}
	case launcher.StateLost:
		return &Problem{
			Code:    CodeTrainingLost,
			Message: "how the training ended is not known: " + status.Reason,
			Remedy:  "look at the end of its log and at dmesg (was memory short?), then run the recipe again",
			Source:  mainLog(run),
			Excerpt: lastLines(mainLog(run)),
		}
	}
	exit := status.Exit
	if exit.Error != "" {
		return &Problem{
			Code:    CodeCommandNotFound,
			Message: "the training could not be started: " + exit.Error,
			Remedy:  "check the command and the environment (ftctl env explain)",

			permanent: true,
		}
	}
	if exit.Code == 0 {
		return untrained(ctx, s, run)
	}
	if base := begunFrom(s); base != "" {
		if _, err := readWeights(s.Attempt.Dir); err == nil {
			if err := checkWeights(s.Attempt.Dir, base); err != nil {
				return err
			}
		}
	}
	p, found := blame(ctx, run, exit, s.Settings.reading()...)
	if change, ok := run.Remedy(status, found, s.cures); ok {
		return &retry{change: &change, problem: p}
	}
	return p
}

func ending(exit launcher.Exit) string {
	if exit.Signal != "" {
		return "the training was ended by " + exit.Signal
	}
	return fmt.Sprintf("the training ended with status %d", exit.Code)
}

// diagnose finds in a log what ended the training: the error that the others
// follow from, or what the log says last. It also returns all errors that the
// log tells of.
func diagnose(ctx context.Context, log, ended string, reading ...logparse.Option) (*Problem, []logparse.Problem) {
	p := &Problem{
		Code:    CodeTrainingFailed,
		Message: ended,
		Remedy:  "look at the end of its log",
		Source:  log,
		Excerpt: lastLines(log),
	}
	// What is no log of a training may still hold a traceback.
	summary, err := logparse.SummarizeFile(ctx, log, reading...)
	if summary == nil || len(summary.Errors) == 0 {
		if err == nil && summary != nil && summary.Steps > 0 {
			p.Message += fmt.Sprintf(" after step %d; its log says no reason", summary.Last.GlobalStep())
		} else if len(p.Excerpt) > 0 {
			p.Message += ": " + shorten(p.Excerpt[len(p.Excerpt)-1])
		}
		return p, nil
	}
	i := logparse.CauseOf(summary.Errors)
	found := summary.Errors[i]
	p.Message = fmt.Sprintf("%s: %s", ended, shorten(found.Text))
	p.Source = fmt.Sprintf("%s:%d", log, summary.ErrorLines[i])
	if len(found.Traceback) > 0 {
		p.Excerpt = tail(found.Traceback, excerptLines)
	}
	p.Code, p.Remedy, p.permanent = found.Signature.ID, found.Signature.Remedy, found.Signature.Permanent
	if p.Code != logparse.IDException {
		p.Message += " (" + found.Signature.Cause + ")"
	}
	return p, summary.Errors
}

func shorten(text string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if runes := []rune(first); len(runes) > messageLimit {
		return string(runes[:messageLimit]) + "…"
	}
	return first
}

// lastLines are the last lines of a log; none if it cannot be read.
func lastLines(log string) []string {
	lines, _ := launcher.LastLines(log, excerptLines)
	return lines
}

// newestCheckpoint returns the newest complete checkpoint that a run has made,
// "" if there is none. Of several ranks all must have written theirs, and the
// first one's is returned.
func newestCheckpoint(ctx context.Context, run *launcher.Run, ranks int) (string, error) {
	made := run.Made()
	var best *checkpoint.Verdict
	offer := func(v checkpoint.Verdict) {
		if v.Complete && (best == nil || newer(&v, best)) {
			best = &v
		}
	}
	for _, dir := range run.Spec().Checkpoints {
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(run.Spec().Dir, dir)
		}
		if _, err := os.Stat(dir); err != nil {
			continue // nothing was saved there
		}
		if ranks > 1 {
			sets, err := checkpoint.Sets(ctx, dir, ranks, checkpoint.Options{})
			if err != nil {
				return "", err
			}
			for _, set := range sets {
				if set.Complete && madeAll(set, made) {
					v := set.Files[0].Verdict
					v.Step, v.Modified = set.Step, set.Modified
					offer(v)
				}
			}
			continue
		}
		paths, err := checkpoint.List(ctx, dir)
		if err != nil {
			return "", err
		}
		for _, path := range paths {
			if !made(path) {
				continue
			}
			if v, err := checkpoint.Verify(ctx, path, checkpoint.Options{}); err == nil {
				offer(v)
			}
		}
	}
	if best == nil {
		return "", ctx.Err()
	}
	return best.Path, ctx.Err()
}

// newer goes by the step, where there is one: a clock may have been set.
func newer(a, b *checkpoint.Verdict) bool {
	if a.Step != nil && b.Step != nil && *a.Step != *b.Step {
		return *a.Step > *b.Step
	}
	return a.Modified.After(b.Modified)
}

// madeAll reports whether all files of a set were made by a run.
func madeAll(set checkpoint.Set, made func(path string) bool) bool {
	return !slices.ContainsFunc(set.Files, func(f checkpoint.RankFile) bool { return !made(f.Path) })
}
