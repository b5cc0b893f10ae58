package recipe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"ftd/launcher"
)

const (
	followAgain = time.Second // pause before a following that failed begins again
	followTries = 3           // of a run that is over
)

// supervise follows a run to its end, and stops it when ctx ends by [ErrStop]
// or a watchdog asks for it; the error is the watchdog's [Problem] then.
// Whatever else ends ctx leaves the training alone.
func supervise(ctx context.Context, s *StepContext, run *launcher.Run, w *watch) (launcher.Status, error) {
	outlive, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	followed := make(chan error, 1)
	go func() { followed <- follow(outlive, s, run, w) }()
	// readOut waits until the log is read to its end, or, where err is why the run
	// goes on, until it is left alone.
	readOut := func(err error) error {
		if err != nil {
			cancel()
		}
		return cmp.Or(err, <-followed)
	}
	watched := make(chan struct{})
	watching, blind := context.WithCancel(outlive)
	go func() { w.until(watching); close(watched) }()
	defer func() { blind(); <-watched }()
	// Until somebody ends it: what it says then is no crash.
	unasked, asked := context.WithCancel(ctx)
	var crashes sync.WaitGroup
	crashes.Go(func() { w.crash(unasked) })
	crashes.Go(func() { w.orphan(unasked) })
	defer func() { asked(); crashes.Wait() }()

	select {
	case err := <-followed:
		blind()
		<-watched
		if err != nil {
			return launcher.Status{}, err
		}
		status, err := run.Wait(ctx)
		select {
		case a := <-w.halt: // its last lines gave it away
			return status, halted(run, a)
		default:
			return status, err
		}
	case a := <-w.halt:
		asked()
		status, err := end(outlive, s, run)
		if err = readOut(err); err == nil {
			err = halted(run, a)
		}
		return status, err
	case what := <-w.dead:
		asked()
		// Killed, so that its status is no success whoever reads it: msrun
		// answers SIGINT with 0. There is nothing left that could be saved.
		s.Host.Output(s.Step.ID, what+"; the other processes are ended")
		status, err := run.Stop(outlive, launcher.Kill(), nil)
		return status, readOut(err)
	case <-ctx.Done():
		if cause := context.Cause(ctx); !errors.Is(cause, ErrStop) {
			return launcher.Status{}, readOut(cause)
		}
		status, err := end(outlive, s, run)
		return status, readOut(err)
	}
}

// end stops a run as the step or the settings say.
func end(ctx context.Context, s *StepContext, run *launcher.Run) (launcher.Status, error) {
	return run.Stop(ctx, ladder(s), func(r launcher.Rung) {
		s.Host.Output(s.Step.ID, "stopping the training: "+r.Name)
	})
}

// follow lets the host observe a run until all is read. A training is never
// given up because its observer failed: it goes on by itself, so the following
// begins again where it ended.
func follow(ctx context.Context, s *StepContext, run *launcher.Run, w *watch) error {
	var options []launcher.FollowOption
	if host, ok := s.Host.(FollowOptions); ok {
		options = host.FollowOptions(s.Attempt.ID)
	}
	tries := 0
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = followAgain, time.Minute
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := run.Follow(ctx, w.observer(s.Host.Observer(s.Attempt.ID)), options...)
		if err == nil || ctx.Err() != nil {
			return struct{}{}, err
		}
		s.Host.Output(s.Step.ID, fmt.Sprintf("following the training failed, it begins again: %v", err))
		if status, statusErr := run.Status(); statusErr != nil || status.State.Over() {
			if tries++; tries == followTries {
				return struct{}{}, backoff.Permanent(err)
			}
		}
		return struct{}{}, err
	}, backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(0))
	return err
}
