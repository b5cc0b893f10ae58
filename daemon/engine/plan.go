package engine

import (
	"context"

	"ftd/api"
	"ftd/api/secret"
	"ftd/checkpoint"
	"ftd/recipe"
)

// Plan says what a job would do, without doing any of it.
func (e *Engine) Plan(ctx context.Context, s api.Submit) (api.Plan, error) {
	s, r, err := accepted(s)
	if err != nil {
		return api.Plan{}, err
	}
	dir := e.State.Job("ID") // what ${job.dir} stands for: no such job will be
	steps, err := recipe.Preview(ctx, recipe.Job{
		ID: "ID", Dir: dir, Recipe: r, Vars: s.Vars, Env: s.Env,
		Base: base(s, dir), Force: s.Force, From: s.From,
	}, &host{Engine: e, log: e.Log}, e.Installation)
	if err != nil {
		return api.Plan{}, refusal(err)
	}
	plan := api.Plan{Recipe: r.Name, Steps: []api.StepPlan{}}
	if plan.Vars, err = r.Values(s.Vars); err != nil {
		return api.Plan{}, refusal(err)
	}
	plan.Vars = secret.Vars(plan.Vars)
	var held int64 // by the results of the steps so far
	for _, step := range steps {
		p := stepPlan(step)
		plan.Steps = append(plan.Steps, p)
		if p.Cached {
			held -= p.FreedBytes
			continue
		}
		for _, d := range p.Downloads {
			plan.DownloadBytes += d.Bytes
		}
		held += p.DiskBytes
		plan.DiskBytes = max(plan.DiskBytes, held)
		plan.MemoryBytes = max(plan.MemoryBytes, p.MemoryBytes)
		plan.Cards = max(plan.Cards, p.Cards)
		held -= p.FreedBytes
	}
	if free, err := checkpoint.FreeSpace(e.State.Results()); err == nil {
		plan.DiskFreeBytes = free
	}
	return plan, nil
}

func stepPlan(s recipe.StepPlan) api.StepPlan {
	p := api.StepPlan{
		ID: s.ID, Uses: s.Uses, Summary: secret.Addresses(s.Summary), Cached: s.Cached, After: s.After, Again: s.Again,
		Inputs: s.Inputs, Outputs: s.Outputs, DiskBytes: s.Disk, MemoryBytes: s.Memory, Cards: s.Cards,
		Place: s.Place, FreedBytes: s.Freed, LeftOut: s.LeftOut,
		Error: apiError(s.Problem),
	}
	for _, d := range s.Downloads {
		p.Downloads = append(p.Downloads, api.Download{Name: d.Name, Sources: d.Sources, Bytes: d.Size, SHA256: d.SHA256})
	}
	return p
}
