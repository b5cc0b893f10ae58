package engine

import (
	"context"
	"time"

	"ftd/api"
	"ftd/checkpoint"
	"ftd/daemon/journal"
	"ftd/launcher"
)

// observer stores what the training of one attempt logs. It is used by one
// goroutine at a time.
type observer struct {
	host    *host
	attempt string
	step    string
	began   time.Time // the attempt
	tracker tracker
}

func (o *observer) Position(ctx context.Context, rank int) (launcher.Position, error) {
	p, err := o.host.Journal.Position(ctx, o.host.job, o.attempt, rank)
	return launcher.Position{File: launcher.FileID(p.File), Offset: p.Offset, Parser: p.Parser}, err
}

// Batch stores a batch as a whole; only then does it count.
func (o *observer) Batch(ctx context.Context, b launcher.Batch) error {
	next, out := o.tracker.fold(o.attempt, b)
	out.Job, out.Step = o.host.job, o.step
	out.Tracker = next
	err := o.host.keepTrying(ctx, func(ctx context.Context) error { return o.host.Journal.AddBatch(ctx, out) })
	if err != nil {
		return err
	}
	o.tracker = next
	o.host.live.update(o.host.job, o.attempt, next)
	o.log(out)
	return nil
}

func (o *observer) log(b journal.Batch) {
	for _, p := range b.Phases {
		o.host.log.Info().Str("attempt", o.attempt).Int("rank", b.Rank).Str("phase", string(p.Phase)).Msg("phase")
	}
	for _, p := range b.Problems {
		o.host.log.Warn().Str("attempt", o.attempt).Int("rank", b.Rank).Str("code", p.Error.Code).Str("source", p.Error.Source).Msg(p.Error.Message)
	}
}

func (o *observer) Checkpoint(ctx context.Context, v checkpoint.Verdict, rank int) error {
	c := api.Checkpoint{Path: v.Path, Format: v.Format, Bytes: v.Bytes, Tensors: v.Tensors, Rank: rank,
		Complete: v.Complete, Reason: v.Reason, Seen: time.Now().UTC()}
	if v.Epoch != nil {
		c.Epoch = *v.Epoch
	}
	if v.Step != nil {
		c.Step = *v.Step
	}
	err := o.host.keepTrying(ctx, func(ctx context.Context) error {
		return o.host.Journal.AddCheckpoint(ctx, o.host.job, o.step, o.attempt, c)
	})
	if err != nil {
		return err
	}
	if took, known := writing(v.Path, o.began); known && v.Complete {
		o.host.live.wrote(o.host.job, o.attempt, took)
	}
	o.host.log.Info().Str("attempt", o.attempt).Str("path", c.Path).Bool("complete", c.Complete).Str("reason", c.Reason).Msg("checkpoint")
	return o.host.showCheckpoints(ctx, o.attempt)
}
