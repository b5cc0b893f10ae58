package recipe

import (
	"context"
	"fmt"
	"os"
	"time"

	"ftd/launcher"
	"ftd/logparse"
)

// mainLog is the log that tells most of a training: that of its first rank.
func mainLog(run *launcher.Run) string {
	logs := run.Logs()
	return logs[min(1, len(logs)-1)]
}

// nameOf names a worker for people.
func nameOf(f launcher.WorkerFailure) string {
	if f.Rank == launcher.LauncherRank {
		return fmt.Sprintf("the worker with the pid %d", f.PID)
	}
	return fmt.Sprintf("rank %d", f.Rank)
}

// blame says why a training failed. Of several ranks it names the one that
// failed first, since the others only wait for it then: the one that the
// launcher names, unless all that its log tells of are consequences; else the
// one whose log tells of the earliest cause.
func blame(ctx context.Context, run *launcher.Run, exit launcher.Exit, reading ...logparse.Option) (*Problem, []logparse.Problem) {
	ranks := run.Logs()[1:]
	if len(ranks) == 0 {
		return diagnose(ctx, run.Log(), ending(exit), reading...)
	}
	failed, named := failedWorker(ctx, run)
	if named && failed.Log != "" {
		p, found := diagnose(ctx, failed.Log, nameOf(failed)+" "+failed.How(), reading...)
		if len(found) == 0 || isCause(found[logparse.CauseOf(found)]) {
			return p, found
		}
	}
	if log := earliest(ctx, append(ranks, run.SchedulerLog()), reading...); log != "" {
		who := "the scheduler"
		if rank, ok := logparse.RankOf(log); ok {
			who = fmt.Sprintf("rank %d", rank)
		}
		return diagnose(ctx, log, who+" failed", reading...)
	}
	if named {
		return diagnose(ctx, run.Log(), nameOf(failed)+" "+failed.How(), reading...)
	}
	return diagnose(ctx, run.Log(), ending(exit), reading...)
}

// failedWorker returns the first worker that the launcher says has failed.
func failedWorker(ctx context.Context, run *launcher.Run) (launcher.WorkerFailure, bool) {
	summary, _ := logparse.SummarizeFile(ctx, run.Log()) // what it holds before an error counts
	if summary == nil {
		return launcher.WorkerFailure{}, false
	}
	for _, p := range summary.Errors {
		if f, ok := run.WorkerFailure(p); ok {
			return f, true
		}
	}
	return launcher.WorkerFailure{}, false
}

func isCause(p logparse.Problem) bool { return !p.Signature.Secondary }

// earliest returns the log that tells of the first cause, "" if none does.
func earliest(ctx context.Context, logs []string, reading ...logparse.Option) (log string) {
	var first time.Time
	for _, path := range logs {
		summary, _ := logparse.SummarizeFile(ctx, path, reading...)
		if summary == nil || len(summary.Errors) == 0 {
			continue
		}
		p := summary.Cause()
		if !isCause(*p) {
			continue
		}
		when := p.When
		if info, err := os.Stat(path); err == nil && when.IsZero() {
			when = info.ModTime() // it wrote no more
		}
		if log == "" || when.Before(first) {
			log, first = path, when
		}
	}
	return log
}
