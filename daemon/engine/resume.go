package engine

import (
	"context"
	"os"
	"time"

	"ftd/api"
)

// Resume has a job go on that ended without success: the same job, where it
// stopped. Steps that are done stay done; the one that is not gets a further
// attempt, and a training begins at its newest checkpoint that verifies.
func (e *Engine) Resume(ctx context.Context, ref string) (api.Job, error) {
	id, err := e.Journal.Resolve(ctx, ref)
	if err != nil {
		return api.Job{}, err
	}
	if err := e.untilPutAway(ctx, id); err != nil {
		return api.Job{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return api.Job{}, api.Errorf(api.CodeUnreachable, "the daemon is shutting down").WithRemedy("try again when it is back")
	}
	job, err := e.Journal.Job(ctx, id)
	if err != nil {
		return api.Job{}, err
	}
	if err := os.MkdirAll(job.Dir, 0o700); err != nil {
		return api.Job{}, api.Errorf(api.CodeDiskFull, "the job's directory cannot be made: %v", err).
			WithRemedy("free some space in the state directory")
	}
	resumed, err := e.Journal.ResumeJob(ctx, id)
	switch {
	case err != nil:
		return api.Job{}, err
	case resumed:
	case job.State == api.StateSucceeded:
		return api.Job{}, api.Errorf(api.CodeConflict, "the job %s has succeeded: there is nothing left to do", job.Name).
			WithRemedy("run it again as a new job: ftctl run %s", job.Recipe)
	default:
		return api.Job{}, api.Errorf(api.CodeConflict, "the job %s has not ended: it is %s", job.Name, job.State).
			WithRemedy("follow it: ftctl wait %s; or stop it first: ftctl stop %s", id, id)
	}
	e.Log.Info().Str("job", id).Msg("resumed")
	job.Created = time.Now() // it waits since now
	e.queue.add(job)
	e.schedule()
	stored, err := e.Journal.Job(ctx, id)
	if err == nil {
		e.addQueue(&stored)
	}
	return stored, err
}

// untilPutAway waits until a job that has ended in the journal is no longer in
// anybody's hands, which takes a moment.
func (e *Engine) untilPutAway(ctx context.Context, id string) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		e.mu.Lock()
		_, running := e.running[id]
		e.mu.Unlock()
		job, err := e.Journal.Job(ctx, id)
		if err != nil || !running || !job.State.Ended() {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
