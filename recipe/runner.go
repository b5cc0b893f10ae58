package recipe

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"time"

	"ftd/launcher"
)

// Why a context that was given to [Run] ends; use them as its cause.
var (
	// ErrStop: a person asked for the end. Trainings are stopped, and the
	// step's state is stopped.
	ErrStop = errors.New("stopped on request")
	// ErrShutdown: the program ends. Trainings go on, nothing is marked as
	// ended, and the next program carries on.
	ErrShutdown = errors.New("the program ends")
)

// StepLog is the file in an attempt's directory that gets what a Python step
// prints. A training's output goes to rank_N.log.
const StepLog = "step.log"

// Job is one recipe to carry out.
type Job struct {
	ID     string
	Dir    string // ${job.dir}
	Recipe *Recipe
	// Vars are the variables that were given; the others have their defaults.
	Vars map[string]string
	// Env is added to the environment of all steps, and wins over theirs.
	Env map[string]string
	// Base is the directory that relative paths start from.
	Base string
	// Done are the steps that the journal has as succeeded or skipped, when a
	// job is taken up again.
	Done map[string]StepStatus
	// Force runs steps again whose results are there.
	Force bool
}

// Run carries out the steps of a job, one after the other, and returns nil
// when all have succeeded. The error is the *Problem of the step that failed,
// or the cause of ctx if that ended ([ErrStop], [ErrShutdown]). What became of
// each step is told to host before the next one begins.
func Run(ctx context.Context, job Job, host Host, settings Settings) error {
	values, err := job.Recipe.Values(job.Vars)
	if err != nil {
		return err
	}
	values[refJobDir], values[refJobID] = job.Dir, job.ID
	r := runner{job: job, host: host, settings: settings, vars: values, done: map[string]StepStatus{}, kinds: kinds()}
	maps.Copy(r.done, job.Done)
	for _, step := range job.Recipe.Order() {
		if _, done := r.done[step.ID]; done {
			continue
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := r.step(ctx, step); err != nil {
			return err
		}
	}
	return nil
}

type runner struct {
	job      Job
	host     Host
	settings Settings
	vars     map[string]string
	done     map[string]StepStatus
	kinds    map[string]Kind
}

// step brings one step to its end and stores it.
func (r *runner) step(ctx context.Context, step Step) error {
	kind := r.kinds[step.Uses]
	s, err := r.context(step, kind)
	status := StepStatus{ID: step.ID, State: StepRunning}
	if err == nil {
		status.Key, err = kind.Key(ctx, s)
	}
	if err != nil {
		return r.end(ctx, status, r.outcome(ctx, step, err))
	}
	if outputs, ok := r.stored(ctx, kind, s, status.Key); ok {
		status.State, status.Outputs = StepSkipped, outputs
		return r.end(ctx, status, nil)
	}
	if err := r.changed(ctx, status); err != nil {
		return err
	}
	status.Outputs, err = r.attempts(ctx, kind, s, status.Key)
	if errors.Is(err, ErrShutdown) {
		return ErrShutdown
	}
	if err == nil {
		status.State = StepSucceeded
	}
	return r.end(ctx, status, err)
}

// attempts tries a step until it succeeds or need not be tried again.
func (r *runner) attempts(ctx context.Context, kind Kind, s *StepContext, key string) (map[string]string, error) {
	for {
		outputs, err := r.attempt(ctx, kind, s, key)
		var again *retry
		if !errors.As(err, &again) {
			return outputs, err
		}
		if again.change != nil {
			if s.change != nil {
				return nil, again.problem // it has not helped
			}
			s.change, again.why = again.change, "trying once more: "+again.change.Why
		}
		r.host.Output(s.Step.ID, again.why)
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(again.wait):
		}
	}
}

// end stores a step's last state; err is what it failed with.
func (r *runner) end(ctx context.Context, status StepStatus, err error) error {
	var p *Problem
	switch {
	case err == nil:
		r.done[status.ID] = status
	case errors.Is(err, ErrShutdown):
		return ErrShutdown
	case errors.Is(err, ErrStop):
		status.State = StepStopped
	case errors.As(err, &p):
		status.State, status.Problem = stateOf(p), p
	default: // the host itself failed: it may fail here again
		status.State, status.Problem = StepFailed, problemOf(status.ID, err)
	}
	if hostErr := r.changed(ctx, status); hostErr != nil {
		return hostErr
	}
	return err
}

func (r *runner) changed(ctx context.Context, status StepStatus) error {
	status.Time = time.Now()
	return r.host.StepChanged(context.WithoutCancel(ctx), status)
}

// stored returns the outputs of an earlier, undamaged result.
func (r *runner) stored(ctx context.Context, kind Kind, s *StepContext, key string) (map[string]string, bool) {
	if key == "" || r.job.Force {
		return nil, false
	}
	outputs, ok, err := r.host.Results().Find(ctx, key)
	if err != nil || !ok {
		return nil, false
	}
	damage := checkManifest(outputs[manifestOutput])
	if damage == nil {
		damage = kind.Verify(ctx, s, outputs)
	}
	if damage == nil {
		return outputs, true
	}
	if ctx.Err() == nil {
		r.host.Output(s.Step.ID, fmt.Sprintf("the stored result is damaged (%v) and is made again", damage))
		// A result that cannot be dropped is replaced by Commit.
		_ = r.host.Results().Drop(ctx, key)
	}
	return nil, false
}

// attempt runs a step once. The attempt is ended in the journal unless the
// program is about to end.
func (r *runner) attempt(ctx context.Context, kind Kind, s *StepContext, key string) (map[string]string, error) {
	attempt, err := r.host.BeginAttempt(ctx, s.Step.ID)
	if err != nil {
		return nil, err
	}
	s.Attempt, s.Dir = attempt, attempt.Dir
	outputs, err := r.produce(ctx, kind, s, key)
	err = r.outcome(ctx, s.Step, err)
	if errors.Is(err, ErrShutdown) {
		return nil, err
	}
	state, exit := StepSucceeded, s.exit
	var p *Problem
	var again *retry
	switch {
	case errors.As(err, &again):
		state, p = stateOf(again.problem), again.problem
	case errors.As(err, &p):
		state = stateOf(p)
	case errors.Is(err, ErrStop):
		state = StepStopped
	}
	if hostErr := r.host.EndAttempt(context.WithoutCancel(ctx), attempt.ID, state, exit, p); hostErr != nil {
		return nil, hostErr
	}
	return outputs, err
}

// produce makes a result, looks at it and stores it. What a step wrote that did
// not get that far is removed: nothing shall look finished, or fill the disk.
func (r *runner) produce(ctx context.Context, kind Kind, s *StepContext, key string) (outputs map[string]string, err error) {
	if key != "" {
		if s.Dir, err = r.host.Results().Dir(ctx, key); err != nil {
			return nil, err
		}
		dir := s.Dir
		defer func() {
			if err != nil {
				os.RemoveAll(dir)
			}
		}()
	}
	outputs, err = kind.Run(ctx, s)
	if err != nil {
		return nil, err
	}
	if err := kind.Verify(ctx, s, outputs); err != nil {
		return nil, damaged(s.Step.ID, err)
	}
	if key == "" {
		return outputs, nil
	}
	if outputs[manifestOutput], err = writeManifest(s.Dir); err != nil {
		return nil, err
	}
	return r.host.Results().Commit(ctx, key, s.Dir, outputs)
}

// damaged is the problem of a fresh result that does not stand the look at it.
func damaged(step string, err error) error {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	return &Problem{
		Code:    CodeResult,
		Message: fmt.Sprintf("what the step %s made is damaged: %v", step, err),
		Remedy:  "check the disk, then run the recipe again",
	}
}

// outcome sorts the errors of a step: the cause of ctx if that ended, else a
// *Problem or a *retry.
func (r *runner) outcome(ctx context.Context, step Step, err error) error {
	var again *retry
	var p *Problem
	switch {
	case err == nil, errors.As(err, &again):
		return err
	case errors.As(err, &p): // what is known for sure weighs more than the end of ctx
		return p
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return problemOf(step.ID, err)
}

// retry asks for another attempt at a step: at once and with a change of its
// environment that is likely to help, of which there is one, or after a while.
type retry struct {
	problem *Problem
	change  *launcher.EnvChange
	wait    time.Duration
	why     string
}

func (r *retry) Error() string { return r.problem.Error() }

// stateOf is the state of a step that ended with a problem.
func stateOf(p *Problem) StepState {
	switch p.Code {
	case CodeTrainingLost:
		return StepLost
	case CodeInterrupted:
		return StepInterrupted
	}
	return StepFailed
}
