package launcher

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"ftd/launcher/process"
)

// killAgain is how often SIGKILL is sent again within its grace, to processes
// that were born while the others died.
const killAgain = 100 * time.Millisecond

// Stop ends the whole process tree of the run and returns how it ended.
// progress, if not nil, is told each rung that is tried. It returns as soon as
// no process is left, at the latest after the sum of the ladder's graces; if
// any is still there then, the error names them.
//
// Stopping a run that is over changes nothing. Cancelling ctx ends the
// waiting, not what was signalled already.
func (r *Run) Stop(ctx context.Context, ladder Ladder, progress func(Rung)) (Status, error) {
	s := stop{run: r, seen: map[process.Identity]bool{}}
	for _, rung := range ladder {
		st, err := r.Status()
		if err != nil || st.State.Over() {
			return st, err
		}
		if progress != nil {
			progress(rung)
		}
		st, err = s.step(ctx, rung)
		if !errors.Is(err, errGrace) {
			return st, err
		}
	}
	st, err := r.Status()
	if err != nil || st.State.Over() {
		return st, err
	}
	return st, r.notStopped()
}

// errGrace says that a rung's grace ended before the run did.
var errGrace = errors.New("grace is over")

// stop is one stop on its way.
type stop struct {
	run *Run
	// seen are all processes that were signalled. A process that is just
	// ending has no environment any more, but may still hold the card.
	seen map[process.Identity]bool
}

// step does one rung: signal, then wait for the end of the run or of the grace.
func (s *stop) step(ctx context.Context, rung Rung) (Status, error) {
	limit, cancel := context.WithTimeout(ctx, rung.Grace)
	defer cancel()
	interval := rung.Grace
	if rung.Signal == syscall.SIGKILL {
		interval = killAgain
	}
	for {
		reached, err := s.send(rung)
		if err != nil {
			return Status{}, err
		}
		if reached == 0 && (rung.Foreground || rung.Signal == 0) {
			return Status{}, errGrace // the command is gone, others of the run are not
		}
		pause, cancel := context.WithTimeout(limit, interval)
		st, err := s.wait(pause)
		cancel()
		switch {
		case err == nil, !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled):
			return st, err
		case ctx.Err() != nil:
			return st, ctx.Err()
		case limit.Err() != nil:
			return st, errGrace
		}
	}
}

// wait returns when the run is over and nothing that was signalled is left.
func (s *stop) wait(ctx context.Context) (Status, error) {
	st, err := s.run.Wait(ctx)
	if err != nil {
		return st, err
	}
	for id := range s.seen {
		if err := id.Wait(ctx); err != nil {
			return st, err
		}
	}
	return st, nil
}

// send signals the processes that a rung is meant for, and returns how many.
func (s *stop) send(rung Rung) (int, error) {
	members, err := s.run.members()
	if err != nil {
		return 0, err
	}
	if rung.Signal == 0 {
		if err := s.run.requestExit(); err != nil {
			return 0, nil //nolint:nilerr // the disk is full: the next rung is due
		}
		return len(members), nil
	}
	if cgroup := s.run.cgroup(); cgroup != "" && rung.Signal == syscall.SIGKILL {
		// All at once and without a race. What follows still is for those that
		// were moved to another cgroup, and for kernels that cannot do this.
		_ = cgroup.Kill()
	}
	group, reached := s.run.Shim().Child, 0
	for _, m := range members {
		s.seen[m.Identity()] = true
		if rung.Foreground && m.Group != group {
			continue
		}
		reached++
		// One that is gone is fine, and one that cannot be signalled (it took
		// another user's rights) must not keep the others from it; if it
		// stays, the end of the ladder names it.
		_ = m.Identity().Signal(rung.Signal)
		// One that is suspended, or is just about to be, sees the signal only
		// when it is continued. It is no news to the others.
		_ = m.Identity().Signal(syscall.SIGCONT)
	}
	return reached, nil
}

// members returns the living processes of the run, the shim not included.
func (r *Run) members() ([]process.Stat, error) {
	return r.tree().Members()
}

func (r *Run) notStopped() error {
	members, err := r.members()
	if err != nil {
		return err
	}
	var names []string
	for _, m := range members {
		names = append(names, fmt.Sprintf("%d (%s, state %c)", m.PID, m.Command, m.State))
	}
	return errorf(CodeNotStopped, "processes of the run do not end: %s", strings.Join(names, ", ")).
		withRemedy("state D means that they hang in a driver or a filesystem; they end when that answers, or with a restart of the machine")
}
