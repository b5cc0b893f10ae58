package engine

import (
	"context"
	"time"

	"ftd/api"
	"ftd/checkpoint"
	"ftd/recipe"
)

var _ recipe.CheckpointMemory = (*host)(nil)

// MadeCheckpoints are those that were seen being made in this job.
func (h *host) MadeCheckpoints(ctx context.Context, step string) ([]recipe.MadeCheckpoint, error) {
	attempts, err := h.Journal.Attempts(ctx, h.job)
	if err != nil {
		return nil, err
	}
	var made []recipe.MadeCheckpoint
	for _, a := range attempts {
		if a.Step != step {
			continue
		}
		list, err := h.Journal.Checkpoints(ctx, h.job, a.ID)
		if err != nil {
			return nil, err
		}
		for _, c := range list {
			if !c.Gone {
				made = append(made, recipe.MadeCheckpoint{Attempt: a.ID, Path: c.Path, Bytes: c.Bytes, Seen: c.Seen})
			}
		}
	}
	return made, nil
}

// lossesAtOnce is how many points are looked at at a time.
const lossesAtOnce = 10000

// Losses looks the losses up; a step that was done again counts as it was last.
func (h *host) Losses(ctx context.Context, steps []int64) (map[int64]float64, error) {
	wanted := map[int64]bool{}
	for _, step := range steps {
		wanted[step] = true
	}
	losses := map[int64]float64{}
	for after := ""; ; {
		points, next, err := h.Journal.Points(ctx, h.job, "", after, lossesAtOnce)
		if err != nil {
			return nil, err
		}
		for i := range points {
			if p := &points[i]; wanted[p.GlobalStep] {
				losses[p.GlobalStep] = float64(p.Loss)
			}
		}
		if after = next; next == "" {
			return losses, nil
		}
	}
}

// CheckpointDeleted stores that a checkpoint is gone.
func (h *host) CheckpointDeleted(ctx context.Context, attempt, path, why string) error {
	ctx = context.WithoutCancel(ctx)
	h.log.Info().Str("attempt", attempt).Str("path", path).Str("why", why).Msg("checkpoint deleted")
	err := h.keepTrying(ctx, func(ctx context.Context) error {
		return h.Journal.DeletedCheckpoint(ctx, h.job, stepOf(attempt), attempt, path, why)
	})
	if err != nil {
		return err
	}
	return h.showCheckpoints(ctx, attempt)
}

// DiskOutlook shows how long the disk will last.
func (h *host) DiskOutlook(attempt string, o checkpoint.Outlook) {
	d := api.Disk{Free: o.Free, Needed: o.Needed, Enough: o.Enough, Saves: o.Saves, Warning: o.Warning}
	if !o.RunsOut.IsZero() {
		at := o.RunsOut.UTC().Truncate(time.Second)
		d.RunsOut = &at
	}
	h.live.disk(h.job, attempt, d)
}
