package recipe

import (
	"context"
	"errors"
	"maps"
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
	// Again says that the job is taken up again: a step of it may be at work.
	Again bool
	// Force runs steps again whose results are there; From does so with the
	// step of that id and all that need it.
	Force bool
	From  string
	// SkipChecks are the doctor's checks that its gates leave out, by their ids or
	// [AllChecks].
	SkipChecks []string
	// Earlier counts, by step, the attempts from before a person had the job
	// go on: restarts are counted from there, and a training goes on from its
	// newest checkpoint even if its recipe allows no restarts.
	Earlier map[string]int
}

// Run carries out the steps of a job, one after the other, and returns nil
// when all have succeeded. The error is the *Problem of the step that failed,
// or the cause of ctx if that ended ([ErrStop], [ErrShutdown]). What became of
// each step is told to host before the next one begins.
func Run(ctx context.Context, job Job, host Host, settings Settings) error {
	r, err := newRunner(job, host, settings)
	if err != nil {
		return err
	}
	defer r.letGo()
	if err := r.firstGate(ctx); err != nil {
		return err
	}
	for _, step := range job.Recipe.Order() {
		r.removeUnneeded(ctx)
		if _, done := r.done[step.ID]; done {
			continue
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := r.step(ctx, step); err != nil {
			return err
		}
		if step.Uses == "checkout" || step.Uses == "env" {
			if err := r.firstGate(ctx); err != nil {
				return err
			}
		}
	}
	r.removeUnneeded(ctx)
	return nil
}

type runner struct {
	job      Job
	host     Host
	settings Settings
	vars     map[string]string
	done     map[string]StepStatus
	kinds    map[string]Kind
	again    map[string]bool // steps that run although their result is there
	preview  bool            // nothing is run: outputs may not be there
	told     map[string]bool // what the doctor has said before the training's turn

	held     map[string]func() // what lets go of a result, by the step's id
	supposed bool              // of a preview: results that were removed count as there
	promised promises          // of a preview: what earlier steps will take
}

func newRunner(job Job, host Host, settings Settings) (*runner, error) {
	values, err := job.Recipe.Values(job.Vars)
	if err != nil {
		return nil, err
	}
	values[refJobDir], values[refJobID] = job.Dir, job.ID
	r := &runner{job: job, host: host, settings: settings, vars: values, done: map[string]StepStatus{}, kinds: kinds(),
		held: map[string]func(){}, promised: newPromises(), told: map[string]bool{}}
	maps.Copy(r.done, job.Done)
	if r.again, err = job.Recipe.After(job.From); err != nil {
		return nil, err
	}
	for _, step := range job.Recipe.Steps {
		if status, ok := r.done[step.ID]; ok {
			r.hold(step, status.Key)
		}
	}
	return r, nil
}

// step brings one step to its end and stores it.
func (r *runner) step(ctx context.Context, step Step) error {
	kind := r.kinds[step.Uses]
	status := StepStatus{ID: step.ID, State: StepRunning}
	if why, err := r.leftOut(step); err != nil || why != "" {
		status.State, status.Outputs = StepSkipped, noOutputs(kind)
		r.host.Output(step.ID, "left out: "+why)
		return r.end(ctx, status, err)
	}
	s, err := r.context(step, kind)
	if err == nil {
		status.Key, err = kind.Key(ctx, s)
	}
	if err != nil {
		return r.end(ctx, status, r.outcome(ctx, step, err))
	}
	r.hold(step, status.Key)
	release, err := r.alone(ctx, step, status.Key)
	if err != nil {
		return r.end(ctx, status, r.outcome(ctx, step, err))
	}
	defer release()
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
			s.cures = append(s.cures, *again.change)
			again.why = "trying once more: " + again.change.Why
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
