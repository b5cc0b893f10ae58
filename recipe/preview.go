package recipe

import (
	"context"
	"errors"
	"strings"
)

// StepPlan is what a job would do with one of its steps.
type StepPlan struct {
	Plan
	ID, Uses string
	// After names the outputs of other steps ("ID.NAME") that the step waits
	// for: what depends on them is not known yet, whether its result is there
	// included.
	After []string
	// Place is where the result goes if the state directory has no room for it.
	Place string
	// Freed are the bytes of results in between that are removed after the step.
	Freed int64
	// LeftOut says that when: or unless: leaves the step out.
	LeftOut bool
	// Again says why a stored result is made anew.
	Again string
	// Problem is what would make the step fail.
	Problem *Problem
}

// Preview says what [Run] would do with each step of a job, in order, without
// doing any of it: nothing is stored, run or fetched. In a plan, an output that
// nobody has made yet stands as ‹ID.NAME›.
func Preview(ctx context.Context, job Job, host Host, settings Settings) ([]StepPlan, error) {
	r, err := newRunner(job, host, settings)
	if err != nil {
		return nil, err
	}
	r.preview = true
	var plans []StepPlan
	for _, step := range job.Recipe.Order() {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		plans = append(plans, r.plan(ctx, step))
	}
	return plans, nil
}

func (r *runner) plan(ctx context.Context, step Step) StepPlan {
	p := StepPlan{ID: step.ID, Uses: step.Uses, After: r.unmade(step)}
	kind := r.kinds[step.Uses]
	if why, err := r.leftOut(step); err == nil && why != "" {
		p.Summary, p.After, p.LeftOut = "left out: "+why, nil, true
		r.done[step.ID] = StepStatus{ID: step.ID, State: StepSkipped, Outputs: noOutputs(kind)}
		r.promise(step, &p, 0)
		return p
	}
	s, err := r.context(step, kind)
	if err == nil {
		p.Plan, err = kind.Plan(ctx, s)
	}
	var key string
	if err == nil && len(p.After) == 0 {
		key, err = kind.Key(ctx, s)
	}
	if err != nil {
		// What is wrong may be no more than what is not known yet.
		if certain := impossible(kind, s); certain != nil {
			err, p.After = certain, nil
		}
		if len(p.After) == 0 && !errors.As(err, &p.Problem) {
			p.Problem = problemOf(step.ID, err)
		}
		r.promise(step, &p, 0)
		return p
	}
	outputs, damage := r.find(ctx, kind, s, key)
	unneeded := damage != nil && r.removable(step) && !r.wanted(ctx, step, key, outputs)
	switch {
	case unneeded:
		p.Cached = true
		r.done[step.ID] = StepStatus{ID: step.ID, State: StepSkipped, Key: key, Outputs: outputs}
	case damage != nil && removed(outputs):
		p.Again = "its result was removed when all that needed it was done"
	case damage != nil:
		p.Again = "the stored result is damaged: " + damage.Error()
	case outputs != nil:
		p.Cached = true
		r.done[step.ID] = StepStatus{ID: step.ID, State: StepSkipped, Key: key, Outputs: outputs}
	}
	r.takeRoom(kind, s, &p)
	return p
}

// impossible is why a step cannot be done whatever the steps before it make; nil
// if that is not known.
func impossible(kind Kind, s *StepContext) error {
	if k, ok := kind.(interface{ impossible(s *StepContext) error }); ok && s != nil {
		return k.impossible(s)
	}
	return nil
}

// unmade lists the outputs that a step refers to and that are not there.
func (r *runner) unmade(step Step) []string {
	missing := map[string]bool{}
	note := func(name string) (string, error) {
		if from, output, ok := outputReference(name); ok {
			if _, made := r.done[from].Outputs[output]; !made {
				missing[from+"."+output] = true
			}
		}
		return "", nil
	}
	_, _ = expandAll(step.With, note) // note never fails
	_, _ = expand(step.Environment, note)
	for _, text := range step.Env {
		_, _ = expand(text, note)
	}
	return sorted(missing)
}

// An output that is not there yet, within a plan.
const unmadeBegin, unmadeEnd = "‹", "›"

// withoutUnmade leaves out the parameters whose value is not known yet and that
// cannot be a text such as ‹ID.NAME›: numbers, for example.
func withoutUnmade(params []Param, with map[string]any) {
	for _, p := range params {
		text, ok := with[p.Name].(string)
		if ok && strings.Contains(text, unmadeBegin) && (p.Type != Text && p.Type != File && p.Type != Dir || len(p.OneOf) > 0) {
			delete(with, p.Name)
		}
	}
}
