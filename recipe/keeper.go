package recipe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"ftd/checkpoint"
	"ftd/launcher"
	"ftd/logparse"
)

// CheckpointMemory may be implemented by a [Host]: it remembers the checkpoints
// that its observers were told of. Without it nothing is deleted.
type CheckpointMemory interface {
	// MadeCheckpoints are those of all attempts at a step.
	MadeCheckpoints(ctx context.Context, step string) ([]MadeCheckpoint, error)
	// Losses returns the losses of the job at some steps, as far as known.
	Losses(ctx context.Context, steps []int64) (map[int64]float64, error)
	// CheckpointDeleted stores that a checkpoint is gone, and why.
	CheckpointDeleted(ctx context.Context, attempt, path, why string) error
	// DiskOutlook shows how long the disk will last.
	DiskOutlook(attempt string, o checkpoint.Outlook)
}

// MadeCheckpoint is a file that was seen being made.
type MadeCheckpoint struct {
	Attempt string
	Path    string
	Bytes   int64
	Seen    time.Time
}

// keeper deletes the checkpoints of a training that no rule keeps, and looks
// whether the disk will last. It is wrong on the safe side: what it does not
// know to be the training's own stays, and so does the newest that verifies.
type keeper struct {
	step    *StepContext
	dirs    []string
	keeping keeping
	memory  CheckpointMemory
	// raise tells of a disk that will be full.
	raise func(context.Context, Alarm)
	wake  chan struct{} // a checkpoint was reported
	// keeps is how many the training itself keeps, by its config; 0 if that is
	// not known.
	keeps int

	mu          sync.Mutex
	last, total int64 // steps over all epochs

	// Of the goroutine that looks.
	saving checkpoint.Saving
	newest int64  // the step of the newest checkpoint,
	apart  int64  // and how many steps after another one it came
	on     string // the disk: a directory on it
	// vanished: some were deleted by somebody else. rotates: by the training,
	// one for each that it writes, as keep_checkpoint_max lets it.
	vanished, rotates bool
	warned            string // the gravest warning so far
}

func newKeeper(s *StepContext, spec launcher.Spec, k keeping) *keeper {
	memory, _ := s.Host.(CheckpointMemory)
	keeper := &keeper{step: s, keeping: k, memory: memory, wake: make(chan struct{}, 1), keeps: keptByItself(s)}
	for _, dir := range spec.Checkpoints {
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(spec.Dir, dir)
		}
		keeper.dirs = append(keeper.dirs, dir)
	}
	return keeper
}

// until looks after each checkpoint, and at the disk now and then, until ctx
// ends; and once more then, since the last one may have come just before.
func (k *keeper) until(ctx context.Context) {
	if k.memory == nil {
		return
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for k.look(ctx); ; {
		select {
		case <-ctx.Done():
			k.look(context.WithoutCancel(ctx))
			return
		case <-k.wake:
			k.look(ctx)
		case <-tick.C:
			k.forecast(ctx)
		}
	}
}

// saved wakes the keeper up.
func (k *keeper) saved() {
	select {
	case k.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// stepped takes in how far the training is.
func (k *keeper) stepped(r *logparse.Record) {
	if r.Kind != logparse.KindStep {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.last = r.Step.GlobalStep()
	k.total = r.Step.Total * max(r.Step.Epochs, 1)
}

// look carries out the rules, and reckons what the disk has to hold.
func (k *keeper) look(ctx context.Context) {
	sets, err := k.sets(ctx)
	if err != nil {
		k.say("checkpoints are not cleared away: %v", err)
		return
	}
	if k.keeping.rules != (checkpoint.Retention{}) {
		sets = k.prune(ctx, sets, k.keeping.rules.Plan(candidates(sets)), nil)
	}
	k.reckon(sets)
	k.forecast(ctx)
}

// keptSet is a checkpoint of all ranks, and whether the training made it.
type keptSet struct {
	checkpoint.Set
	made []MadeCheckpoint // its files, all of them, or none
	loss *float64
}

// sets are the checkpoints there are, the highest step first.
func (k *keeper) sets(ctx context.Context) ([]keptSet, error) {
	made, err := k.memory.MadeCheckpoints(ctx, k.step.Step.ID)
	if err != nil {
		return nil, err
	}
	known := map[string]MadeCheckpoint{}
	k.vanished = false
	for _, m := range made {
		known[m.Path] = m
		if _, err := os.Lstat(m.Path); errors.Is(err, fs.ErrNotExist) {
			k.vanished = true
		}
	}
	found, err := checkpoint.SetsBelow(ctx, k.dirs, ranksOf(k.step), checkpoint.Options{})
	if err != nil {
		return nil, err
	}
	sets := make([]keptSet, len(found))
	var steps []int64
	for i, set := range found {
		sets[i] = keptSet{Set: set, made: madeOf(set, known)}
		if set.Step != nil {
			steps = append(steps, *set.Step)
		}
	}
	if k.keeping.rules.Best == 0 || len(steps) == 0 {
		return sets, nil
	}
	losses, err := k.memory.Losses(ctx, steps)
	if err != nil {
		return nil, err
	}
	for i := range sets {
		if sets[i].Step != nil {
			if loss, ok := losses[*sets[i].Step]; ok {
				sets[i].loss = &loss
			}
		}
	}
	return sets, nil
}

// madeOf are a set's files if each was seen being made, and is still what was
// seen: a file that somebody put in its place is theirs.
func madeOf(set checkpoint.Set, known map[string]MadeCheckpoint) []MadeCheckpoint {
	var made []MadeCheckpoint
	for _, f := range set.Files {
		m, ok := known[f.Path]
		if !ok || m.Bytes != f.Bytes || f.Modified.After(m.Seen) {
			return nil
		}
		made = append(made, m)
	}
	return made
}

func candidates(sets []keptSet) []checkpoint.Candidate {
	list := make([]checkpoint.Candidate, len(sets))
	for i, s := range sets {
		list[i] = checkpoint.Candidate{Name: s.Name, Bytes: s.Bytes, Step: -1, Loss: s.loss, Verified: s.Complete, Ours: s.made != nil}
		if s.Step != nil {
			list[i].Step = *s.Step
		}
	}
	return list
}

// prune deletes what a plan does not keep, the oldest first, until enough says
// so, and returns what is left. Plan and sets are in the same order.
func (k *keeper) prune(ctx context.Context, sets []keptSet, plan []checkpoint.Decision, enough func() bool) (left []keptSet) {
	for i, d := range slices.Backward(plan) {
		if d.Keep || enough != nil && enough() || !k.delete(ctx, sets[i], d.Why) {
			left = append(left, sets[i])
		}
	}
	slices.Reverse(left)
	return left
}

func (k *keeper) delete(ctx context.Context, set keptSet, why string) bool {
	for _, m := range set.made {
		if err := checkpoint.Remove(m.Path); err != nil {
			k.say("%s cannot be deleted: %v", m.Path, err)
			return false
		}
		if err := k.memory.CheckpointDeleted(ctx, m.Attempt, m.Path, why); err != nil {
			k.say("%s was deleted (%s), which could not be stored: %v", m.Path, why, err)
		}
	}
	return true
}

// reckon takes from the checkpoints there are how large one is, how often
// there is one, and how many are still to come.
func (k *keeper) reckon(sets []keptSet) {
	own := slices.DeleteFunc(slices.Clone(sets), func(s keptSet) bool { return s.made == nil || !s.Complete || s.Step == nil })
	if len(own) == 0 {
		return
	}
	newest, apart := *own[0].Step, *own[0].Step
	if newest != k.newest {
		k.rotates = k.vanished && (k.newest == 0 || len(own) <= k.saving.Present)
	}
	k.saving = checkpoint.Saving{Bytes: own[0].Bytes, Present: len(own), Left: -1}
	k.on = filepath.Dir(own[0].Files[0].Path)
	switch {
	case k.rotates:
		k.saving.Keep = len(own)
	case len(own) <= k.keeps: // more are there of earlier attempts: it does not count those
		k.saving.Keep = k.keeps
	}
	if len(own) > 1 {
		apart -= *own[1].Step
		k.saving.Every = own[0].Modified.Sub(own[1].Modified)
	}
	if r := k.keeping.rules; r != (checkpoint.Retention{}) && r.Every == 0 {
		k.saving.Keep = max(r.Newest, 1) + r.Best
	}
	k.newest, k.apart = newest, apart
}

func (k *keeper) say(format string, args ...any) {
	k.step.Host.Output(k.step.Step.ID, fmt.Sprintf(format, args...))
}
