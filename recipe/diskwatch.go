package recipe

import (
	"context"
	"time"

	"ftd/checkpoint"
	"ftd/launcher"
	"ftd/launcher/watchdog"
)

// forecast looks whether the disk will do, and does what the recipe says if the
// next checkpoint will not fit.
func (k *keeper) forecast(ctx context.Context) {
	if k.keeping.disk == watchdog.Off || k.saving.Bytes == 0 {
		return
	}
	o, err := k.outlook()
	if err != nil {
		return // the disk is gone: the training has other sorrows
	}
	if o.Warning != "" && o.Saves == 0 && k.keeping.disk == Prune {
		k.makeRoom(ctx)
		if o, err = k.outlook(); err != nil {
			return
		}
	}
	k.memory.DiskOutlook(k.step.Attempt.ID, o)
	k.warn(ctx, o)
}

func (k *keeper) outlook() (checkpoint.Outlook, error) {
	k.mu.Lock()
	if k.apart > 0 && k.total > 0 { // a training that was taken over says so late
		k.saving.Left = int(max(k.total-k.newest, 0) / k.apart)
	}
	k.mu.Unlock()
	free, err := checkpoint.FreeSpace(k.on)
	return checkpoint.Forecast(k.saving, free, time.Now()), err
}

// makeRoom deletes the oldest until two checkpoints fit.
func (k *keeper) makeRoom(ctx context.Context) {
	sets, err := k.sets(ctx)
	if err != nil {
		return
	}
	plan := checkpoint.Retention{Newest: 1}.Plan(candidates(sets))
	for i := range plan {
		if !plan[i].Keep {
			plan[i].Why = "the disk had no room for the next one"
		}
	}
	k.reckon(k.prune(ctx, sets, plan, func() bool {
		free, err := checkpoint.FreeSpace(k.on)
		return err != nil || free >= 2*k.saving.Bytes
	}))
}

// The warnings, the gravest last.
const (
	runsOut = "it will be full"
	noRoom  = "the next one does not fit"
)

// warn tells once that the disk will be full, and once that it is.
func (k *keeper) warn(ctx context.Context, o checkpoint.Outlook) {
	if o.Enough {
		k.warned = ""
		return
	}
	grave := runsOut
	if o.Saves == 0 {
		grave = noRoom
	}
	if k.warned == grave || k.warned == noRoom || grave == runsOut && !k.near(o.RunsOut) {
		return
	}
	k.warned = grave
	a := Alarm{Action: watchdog.Notify, Verdict: watchdog.Verdict{Watchdog: Disk, Error: grave == noRoom, Since: time.Now(), Message: o.Warning}}
	if grave == noRoom && k.keeping.disk == watchdog.Stop {
		a.Action = watchdog.Stop
	}
	k.mu.Lock()
	a.Evidence.Step = k.last
	k.mu.Unlock()
	k.raise(ctx, a)
}

// How far ahead it is told that the disk will be full. A training of which it
// is known how long it goes on is told of for longer; what lies beyond that is
// reckoned from the time between two checkpoints, and nobody's concern yet.
const (
	aheadUnplanned = 24 * time.Hour
	aheadPlanned   = 30 * 24 * time.Hour
)

// near reports whether the disk will be full so soon that somebody should know.
// A first checkpoint does not say when: the second will.
func (k *keeper) near(full time.Time) bool {
	ahead := aheadUnplanned
	if k.saving.Left >= 0 { // the forecast says that it will not hold these
		ahead = aheadPlanned
	}
	return !full.IsZero() && time.Until(full) <= ahead
}

// beforeLaunch looks whether there is room for one checkpoint: as large as the
// newest of the earlier attempts, or at least as the weights that the training
// begins from. Where neither is known, nothing is.
func (k *keeper) beforeLaunch(ctx context.Context, spec launcher.Spec) error {
	if k.memory == nil || k.keeping.disk == watchdog.Off {
		return nil
	}
	sets, err := k.sets(ctx)
	if err != nil {
		return err
	}
	k.reckon(sets)
	if base := k.step.text("base"); k.saving.Bytes == 0 && base != "" {
		v, err := checkpoint.Verify(ctx, base, checkpoint.Options{})
		if err != nil {
			return nil //nolint:nilerr // the training says so itself
		}
		k.saving.Bytes, k.saving.Left, k.on = v.Bytes, 1, spec.Dir
	}
	if k.saving.Bytes == 0 {
		return nil
	}
	o, err := k.outlook()
	if err == nil && o.Saves == 0 && k.keeping.disk == Prune && len(sets) > 0 {
		k.makeRoom(ctx)
		o, err = k.outlook()
	}
	if err != nil || o.Warning == "" {
		return nil //nolint:nilerr // the launch says so itself
	}
	if o.Saves == 0 && k.keeping.disk == watchdog.Stop {
		return &Problem{Code: CodeDiskFull, Message: o.Warning, Remedy: diskRemedy, permanent: true}
	}
	k.say("%s", o.Warning)
	return nil
}

const diskRemedy = "free some space, let retention: delete old checkpoints, or save somewhere else"
