package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/rs/zerolog"

	"ftd/api"
	"ftd/api/secret"
	"ftd/recipe"
)

// runJob carries out a job's recipe. Steps that are done are not done again.
// stop, if not nil, is called as soon as what was left running is taken up.
func (e *Engine) runJob(ctx context.Context, id string, stop func()) error {
	job, err := e.Journal.Job(ctx, id)
	if err != nil {
		return err
	}
	// What is taken up again runs already: a hundred trainings would wait for
	// the disk two hundred times before one of them is followed.
	if job.State == api.StateQueued {
		if _, err := e.Journal.SetJob(ctx, id, api.StateRunning, nil); err != nil {
			return err
		}
	}
	asked, err := e.Journal.Submitted(ctx, id)
	if err != nil {
		return err
	}
	r, err := recipeOf(asked)
	if err != nil {
		return err
	}
	earlier, err := e.Journal.EarlierAttempts(ctx, id)
	if err != nil {
		return err
	}
	done, again := map[string]recipe.StepStatus{}, false
	left, undecided := map[string]string{}, map[string]bool{}
	for _, s := range job.Steps {
		again = again || len(s.Attempts) > 0
		if s.State == api.StateSucceeded || s.State == api.StateSkipped {
			done[s.ID] = recipe.StepStatus{ID: s.ID, State: recipe.StepState(s.State), Key: s.Key, Outputs: s.Outputs, Time: *s.Ended}
		} else if s.State != api.StateQueued {
			undecided[s.ID] = true
		}
		if s.State == api.StateRunning {
			left[s.ID] = s.Key
		}
	}
	return recipe.Run(ctx, recipe.Job{
		ID: id, Dir: job.Dir, Recipe: r, Vars: asked.Vars, Env: asked.Env,
		Base: base(asked, job.Dir), Done: done, Again: again, Force: asked.Force, From: asked.From, Earlier: earlier,
		SkipChecks: slices.Concat(e.SkipChecks, asked.SkipChecks),
	}, &host{Engine: e, job: id, name: job.Name, priority: job.Priority, left: left, undecided: undecided, stop: stop, log: e.Log.With().Str("job", id).Logger()}, e.Installation)
}

// goOnStopping ends a job whose stop an earlier daemon began. What runs is
// taken up first, since it can only be stopped by who follows it.
func (e *Engine) goOnStopping(ctx context.Context, id string, cancel context.CancelCauseFunc) error {
	job, err := e.Journal.Job(ctx, id)
	if err != nil {
		return err
	}
	for _, s := range job.Steps {
		for _, a := range s.Attempts {
			if !a.State.Ended() {
				return e.runJob(ctx, id, func() { cancel(recipe.ErrStop) })
			}
		}
	}
	for _, s := range job.Steps {
		if s.State == api.StateRunning || s.State == api.StateStopping {
			if err := e.Journal.SetStep(ctx, id, api.Step{ID: s.ID, State: api.StateStopped}, time.Now()); err != nil {
				return err
			}
		}
	}
	return recipe.ErrStop
}

// outcome is the state that a job ends in, "" if it does not end: the next
// daemon goes on with it.
func outcome(err error) (api.State, *api.Error) {
	var p *recipe.Problem
	var known *api.Error
	switch {
	case err == nil:
		return api.StateSucceeded, nil
	case errors.Is(err, recipe.ErrShutdown):
		return "", nil
	case errors.Is(err, recipe.ErrStop):
		return api.StateStopped, nil
	case errors.As(err, &p):
		return stateOf(p), apiError(p)
	case errors.As(err, &known):
		return api.StateFailed, known
	}
	return api.StateFailed, api.Errorf(api.CodeInternal, "%v", err).WithRemedy("the daemon's log says more")
}

// stateOf is the state of a job that ended with a problem.
func stateOf(p *recipe.Problem) api.State {
	switch p.Code {
	case recipe.CodeTrainingLost:
		return api.StateLost
	case recipe.CodeInterrupted:
		return api.StateInterrupted
	}
	return api.StateFailed
}

func apiError(p *recipe.Problem) *api.Error {
	if p == nil {
		return nil
	}
	// In a config, a recipe or a variable there may be an address with a password.
	return &api.Error{Code: p.Code, Message: secret.Addresses(p.Message), Remedy: secret.Addresses(p.Remedy), Source: p.Source, Excerpt: p.Excerpt}
}

// keepTrying stores something that must not be lost. While the disk is full it
// tries again: what is to be stored is known here and in the files of the run,
// and a job must not fail because of a journal that cannot grow for an hour.
// log is the job's.
func (e *Engine) keepTrying(ctx context.Context, log zerolog.Logger, store func(ctx context.Context) error) error {
	told := false
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 100*time.Millisecond, 10*time.Second
	_, err := backoff.Retry(e.ctx, func() (struct{}, error) {
		err := store(context.WithoutCancel(ctx))
		var known *api.Error
		if err == nil || !errors.As(err, &known) || known.Code != api.CodeDiskFull {
			return struct{}{}, permanent(err)
		}
		if !told {
			told = true
			log.Error().Err(err).Msg("waiting for room on the disk")
		}
		return struct{}{}, err
	}, backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(0))
	return err
}

func permanent(err error) error {
	if err == nil {
		return nil
	}
	return backoff.Permanent(err)
}
