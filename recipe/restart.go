package recipe

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"

	"ftd/launcher"
	"ftd/launcher/watchdog"
	"ftd/logparse"
)

// restarts says whether a training that failed is tried again. It counts
// attempts by what lies on the disk, so it does not forget when the program
// is restarted.
type restarts struct {
	budget     int           // attempts after the first
	backoff    time.Duration // before the first of them; it doubles each time
	maxBackoff time.Duration
	noProgress int // so many attempts in a row without a new step are enough
}

// maxRestarts keeps a mistake in a recipe from filling a disk with attempts.
const maxRestarts = 1000

// parseRestarts reads what a recipe says; nothing means no restarts.
func parseRestarts(with map[string]any) (restarts, error) {
	r := restarts{backoff: 10 * time.Second, maxBackoff: 10 * time.Minute, noProgress: 2}
	for _, field := range sorted(with) {
		text := fmt.Sprint(with[field])
		n, nErr := strconv.Atoi(text)
		d, dErr := time.ParseDuration(text)
		count, pause := nErr == nil && n >= 0 && n <= maxRestarts, dErr == nil && d > 0
		switch {
		case field == "budget" && count:
			r.budget = n
		case field == "no_progress" && count && n > 0:
			r.noProgress = n
		case field == "backoff" && pause:
			r.backoff = d
		case field == "max_backoff" && pause:
			r.maxBackoff = d
		case field == "budget" || field == "no_progress":
			return r, fmt.Errorf("%s is %q and must be a whole number up to %d", field, text, maxRestarts)
		case field == "backoff" || field == "max_backoff":
			return r, fmt.Errorf("%s is %q and must be a time such as 10s or 5m", field, text)
		default:
			return r, fmt.Errorf("it has no %q, only backoff, budget, max_backoff, no_progress", field)
		}
	}
	return r, nil
}

// supervision is what a train step says of watchdogs and restarts.
func supervision(s *StepContext) (watchdog.Settings, restarts, error) {
	changes, _ := s.With["watchdogs"].(map[string]any)
	dogs, err := watchdog.Parse(changes)
	if err != nil {
		return nil, restarts{}, &Problem{Code: CodeInvalid, Message: err.Error(), Remedy: "correct watchdogs: in the step " + s.Step.ID}
	}
	with, _ := s.With["restart"].(map[string]any)
	policy, err := parseRestarts(with)
	if err != nil {
		return nil, policy, &Problem{Code: CodeInvalid, Message: err.Error(), Remedy: "correct restart: in the step " + s.Step.ID}
	}
	for name, set := range dogs {
		if set.Action == watchdog.Restart && policy.budget == 0 {
			return nil, policy, &Problem{
				Code:    CodeInvalid,
				Message: fmt.Sprintf("the watchdog %s is to restart the training, but no restart is allowed", name),
				Remedy:  "add restart: {budget: 3} to the step " + s.Step.ID,
			}
		}
	}
	return dogs, policy, nil
}

// again turns the problem of a training into a request for another attempt,
// if the policy has one left.
func (r restarts) again(ctx context.Context, s *StepContext, p *Problem) error {
	if p.permanent || r.budget == 0 {
		return p
	}
	// Those that tried another environment do not count.
	used := max(s.Attempt.Number-1-s.earlier-len(s.cures), 0)
	if used >= r.budget {
		s.Host.Output(s.Step.ID, fmt.Sprintf("not started again: its budget of %d restarts is used up", r.budget))
		return p
	}
	if idle := withoutProgress(ctx, s); idle >= r.noProgress {
		s.Host.Output(s.Step.ID, fmt.Sprintf("not started again: the last %d attempts have gained no step", idle))
		return p
	}
	wait := r.wait(used)
	return &retry{problem: p, wait: wait, why: fmt.Sprintf("starting again in %s (restart %d of %d): %s",
		wait.Round(time.Second/10), used+1, r.budget, p.Message)}
}

// wait is how long to wait before the next restart: twice as long each time,
// and by chance a little more or less, so that many trainings that failed
// together do not start together.
func (r restarts) wait(used int) time.Duration {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval, pause.Multiplier = r.backoff, r.maxBackoff, 2
	for range used {
		pause.NextBackOff()
	}
	return pause.NextBackOff()
}

// withoutProgress counts the newest attempts that came no further than those
// before them, as their logs say.
func withoutProgress(ctx context.Context, s *StepContext) (idle int) {
	best := int64(0)
	for _, run := range earlier(s, s.Attempt.Number) {
		if step := lastStep(ctx, run); step > best {
			best, idle = step, 0
		} else {
			idle++
		}
	}
	return min(idle, s.Attempt.Number-s.earlier) // a person who resumes it gives it another chance
}

// earlier returns the runs of the first attempts at the step, those that can
// be read, the oldest first.
func earlier(s *StepContext, upTo int) (runs []*launcher.Run) {
	for n := 1; n <= upTo; n++ {
		dir := filepath.Join(filepath.Dir(s.Attempt.Dir), fmt.Sprintf("%s.%d", s.Step.ID, n))
		if run, err := launcher.Open(dir); err == nil {
			runs = append(runs, run)
		}
	}
	return runs
}

// lastStep is the highest step in the logs of a run.
func lastStep(ctx context.Context, run *launcher.Run) int64 {
	steps := []int64{0}
	for _, log := range run.Logs() {
		if summary, err := logparse.SummarizeFile(ctx, log); err == nil && summary.Last != nil {
			steps = append(steps, summary.Last.GlobalStep())
		}
	}
	return slices.Max(steps)
}
