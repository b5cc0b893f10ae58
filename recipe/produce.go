package recipe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
)

// alone waits while another job makes the same result: it is there then.
func (r *runner) alone(ctx context.Context, step Step, key string) (release func(), err error) {
	if key == "" {
		return func() {}, nil
	}
	return r.host.Results().Alone(ctx, key, func() {
		r.host.Output(step.ID, "its result is being made by another job: waiting for it")
	})
}

// stored returns the outputs of an earlier, undamaged result.
func (r *runner) stored(ctx context.Context, kind Kind, s *StepContext, key string) (map[string]string, bool) {
	outputs, damage := r.find(ctx, kind, s, key)
	if damage != nil && r.removable(s.Step) {
		if !r.wanted(ctx, s.Step, key, outputs) {
			r.host.Output(s.Step.ID, "its result is not there, and nothing that needs it will run")
			return outputs, true
		}
		if removed(outputs) {
			return nil, false
		}
	}
	if damage != nil && ctx.Err() == nil {
		r.host.Output(s.Step.ID, fmt.Sprintf("the stored result is damaged (%v) and is made again", damage))
		// A result that cannot be dropped is replaced by Commit.
		_ = r.host.Results().Drop(ctx, key)
	}
	return outputs, damage == nil && outputs != nil
}

// find looks for an earlier result that may be used: nil if there is none, and
// an error with it if it is damaged.
func (r *runner) find(ctx context.Context, kind Kind, s *StepContext, key string) (map[string]string, error) {
	if key == "" || r.job.Force || r.again[s.Step.ID] {
		return nil, nil //nolint:nilnil // none is no error
	}
	outputs, ok, err := r.host.Results().Find(ctx, key)
	if err != nil || !ok {
		return nil, nil //nolint:nilerr,nilnil // what cannot be looked up is made again
	}
	if err := checkManifest(outputs[manifestOutput]); err != nil {
		return outputs, err
	}
	return outputs, kind.Verify(ctx, s, outputs)
}

// produce makes a result where it fits. A place that turns out to be too small
// is given up for a larger one.
func (r *runner) produce(ctx context.Context, kind Kind, s *StepContext, key string) (map[string]string, error) {
	if key == "" || len(r.settings.Places) == 0 {
		return r.make(ctx, kind, s, key, "")
	}
	plan, err := kind.Plan(ctx, s)
	if err != nil {
		plan = Plan{} // what is wrong with it the step itself says better
	}
	var small error
	for full := map[string]bool{}; ; {
		place, err := r.place(kind, s, plan, full)
		if err != nil {
			return nil, cmp.Or(small, err)
		}
		r.settle(s, place, plan)
		outputs, err := r.make(ctx, kind, s, key, place.Path)
		if !outgrown(s, err) || ctx.Err() != nil {
			return outputs, err
		}
		s.Host.Output(s.Step.ID, err.Error())
		small, full[place.Path] = err, true
		plan.Disk = max(plan.Disk, place.Free+1) // more than there was
	}
}

// make makes a result in a place, looks at it and stores it. What a step wrote
// that did not get that far is removed: nothing shall look finished, or fill
// the disk.
func (r *runner) make(ctx context.Context, kind Kind, s *StepContext, key, place string) (outputs map[string]string, err error) {
	if key != "" {
		if s.Dir, err = r.host.Results().Dir(ctx, key, place); err != nil {
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
