package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/rs/zerolog"

	"ftd/api"
	"ftd/launcher"
	"ftd/recipe"
)

// host is recipe.Host for one job. What it is asked to store it stores even
// when the job is being stopped: the end of ctx concerns the step, not us.
type host struct {
	*Engine
	job  string
	name string // of the job
	// priority of the job.
	priority int
	// left are the steps that an earlier daemon left running, with their keys:
	// that they run is stored.
	left map[string]string

	log  zerolog.Logger
	step string // of the newest attempt; a job's steps come one at a time
	// undecided are the steps that an earlier daemon had begun and did not
	// bring to success, until their first attempt here: the daemon may have
	// been killed just before the job was to end with such a step.
	undecided map[string]bool
	// stop, if not nil, ends the job as soon as what an earlier daemon left
	// running has been taken up, for only then can it be stopped.
	stop func()
}

var _ interface {
	recipe.Host
	recipe.FollowOptions
} = (*host)(nil)

func (h *host) keepTrying(ctx context.Context, store func(ctx context.Context) error) error {
	return h.Engine.keepTrying(ctx, h.log, store)
}

func (h *host) StepChanged(ctx context.Context, s recipe.StepStatus) error {
	h.chatter.flush(context.WithoutCancel(ctx)) // what the step said comes before its end
	if api.State(s.State).Ended() {
		h.chatter.forget(h.job, s.ID)
		h.takenUp()
	}
	event := h.log.Info()
	if s.Problem != nil {
		event = h.log.Warn().Str("code", s.Problem.Code).Str("why", s.Problem.Message)
	}
	event.Str("step", s.ID).Str("state", string(s.State)).Msg("step")
	key, stored := h.left[s.ID]
	delete(h.left, s.ID)
	if stored && s.State == recipe.StepRunning && key == s.Key {
		return nil
	}
	return h.keepTrying(ctx, func(ctx context.Context) error {
		return h.Journal.SetStep(ctx, h.job, api.Step{
			ID: s.ID, State: api.State(s.State), Key: s.Key, Outputs: s.Outputs, Error: apiError(s.Problem),
		}, s.Time)
	})
}

func (h *host) BeginAttempt(ctx context.Context, step string) (recipe.Attempt, error) {
	ctx = context.WithoutCancel(ctx)
	h.step = step
	isolate, err := h.Journal.Crashed(ctx, h.job, step)
	if err != nil {
		return recipe.Attempt{}, err
	}
	a, resumed, err := h.Journal.Unfinished(ctx, h.job, step)
	if err != nil {
		return recipe.Attempt{}, err
	}
	if !resumed && h.stop != nil {
		h.stop()
		return recipe.Attempt{}, recipe.ErrStop
	}
	if !resumed && h.undecided[step] {
		// Its training may have ended without anybody having drawn the
		// conclusion: it must not begin once more.
		if a, resumed, err = h.Journal.Undecided(ctx, h.job, step); err != nil {
			return recipe.Attempt{}, err
		}
	}
	delete(h.undecided, step)
	if !resumed {
		err = h.keepTrying(ctx, func(ctx context.Context) (err error) {
			a, err = h.Journal.BeginAttempt(ctx, h.job, step, h.boot, func(id string) string { return h.State.Attempt(h.job, id) })
			return err
		})
		if err != nil {
			return recipe.Attempt{}, err
		}
	}
	if err := os.MkdirAll(a.Dir, 0o700); err != nil {
		p := &recipe.Problem{
			Code:    launcher.CodeRunDirectory,
			Message: fmt.Sprintf("the directory of the attempt %s cannot be made: %v", a.ID, err),
			Remedy:  "see what is in its place, and who may write there; then start the job anew",
			Source:  a.Dir,
		}
		if err := h.EndAttempt(ctx, a.ID, recipe.StepFailed, nil, p); err != nil {
			return recipe.Attempt{}, err
		}
		return recipe.Attempt{}, p
	}
	if resumed {
		h.log.Info().Str("attempt", a.ID).Msg("attempt taken up again")
		h.showTraining(ctx, a.ID)
	}
	var shim launcher.Shim
	if a.Shim != nil {
		if err := json.Unmarshal(a.Shim, &shim); err != nil {
			return recipe.Attempt{}, err
		}
	}
	return recipe.Attempt{ID: a.ID, Dir: a.Dir, Number: a.Number, Resumed: resumed, Shim: shim, Isolate: isolate}, nil
}

func (h *host) AttemptStarted(ctx context.Context, attempt string, shim launcher.Shim) error {
	ctx = context.WithoutCancel(ctx)
	h.log.Info().Str("attempt", attempt).Int("pid", shim.Child).Msg("training at work")
	if a, ok, err := h.Journal.Unfinished(ctx, h.job, h.step); err == nil && ok && a.ID == attempt && a.Shim != nil {
		// Taken up again: it is known already. An error here would be taken
		// for a reason to stop it.
		return nil
	}
	data, err := json.Marshal(begun(time.Now(), h.reached(ctx)))
	if err != nil {
		return err
	}
	err = h.keepTrying(ctx, func(ctx context.Context) error { return h.Journal.SetShim(ctx, h.job, attempt, shim, data) })
	if err == nil {
		h.showTraining(ctx, attempt)
	}
	return err
}

// reached is how far the earlier attempts at the step have come. It only marks
// points, so what cannot be read is no reason not to train.
func (h *host) reached(ctx context.Context) int64 {
	trainings, err := h.Journal.Trainings(ctx, h.job, h.job)
	t := newTracker()
	if last, ok := trainings[h.job]; err == nil && ok && last.Step == h.step {
		err = json.Unmarshal(last.Tracker, &t)
	}
	if err != nil {
		h.log.Warn().Err(err).Msg("steps that are done again will not be marked")
	}
	return t.reached()
}

func (h *host) EndAttempt(ctx context.Context, attempt string, state recipe.StepState, exit *launcher.Exit, p *recipe.Problem) error {
	h.follow(h.job, false)
	a := api.Attempt{ID: attempt, State: api.State(state), Error: apiError(p)}
	event := h.log.Info()
	if exit != nil {
		a.ExitCode, a.Signal = &exit.Code, exit.Signal
		if !exit.Ended.IsZero() {
			a.Ended = &exit.Ended
		}
		event = event.Int("exit", exit.Code).Str("signal", exit.Signal)
	}
	event.Str("attempt", attempt).Str("state", string(state)).Msg("attempt ended")
	err := h.keepTrying(ctx, func(ctx context.Context) error { return h.Journal.EndAttempt(ctx, h.job, a) })
	h.giveBack(attempt)
	return err
}

func (h *host) Progress(step string, done, total int64, note string) {
	h.chatter.progress(h.job, step, api.Progress{Done: done, Total: total, Note: note})
}

func (h *host) Output(step, line string) { h.chatter.output(h.job, step, line) }

// Observer is asked for when a training is followed, which is when it can be
// stopped.
func (h *host) Observer(attempt string) launcher.Observer {
	h.takenUp()
	h.follow(h.job, true)
	h.live.named(h.job, attempt, h.name)
	return &observer{host: h, attempt: attempt, step: stepOf(attempt), began: h.began(attempt), tracker: h.live.tracker(h.job, attempt)}
}

// began is when an attempt was begun, or now if the journal does not say.
func (h *host) began(attempt string) time.Time {
	attempts, err := h.Journal.Attempts(h.ctx, h.job)
	if err == nil {
		for _, a := range attempts {
			if a.ID == attempt && a.Started != nil {
				return *a.Started
			}
		}
	}
	return time.Now()
}

// FollowOptions makes following cheap: notifications besides polling, and
// checkpoints that are stored already are not read again.
func (h *host) FollowOptions(attempt string) []launcher.FollowOption {
	stored, err := h.Journal.Checkpoints(h.ctx, h.job, attempt)
	if err != nil {
		h.log.Warn().Err(err).Msg("checkpoints are looked at again")
	}
	known := map[string]api.Checkpoint{}
	for _, c := range stored {
		known[c.Path] = c
	}
	return []launcher.FollowOption{
		launcher.WithWakeups(h.wakeups),
		launcher.WithSignatures(h.Installation.Signatures),
		launcher.WithSeen(func(path string, size int64, modified time.Time) bool {
			c, ok := known[path]
			return ok && c.Bytes == size && !modified.After(c.Seen)
		}),
		launcher.WithWarn(func(err error) { h.log.Warn().Err(err).Str("attempt", attempt).Msg("following") }),
	}
}

func (h *host) takenUp() {
	if h.stop != nil {
		h.stop()
	}
}

func (h *host) Python() recipe.Python { return python{h} }

func (h *host) Results() recipe.Results { return results{h.Engine, h.log} }

// showTraining puts the attempt's tracker, as it is stored, among the live
// ones. Without it the counts begin anew, which is no reason to give up.
func (h *host) showTraining(ctx context.Context, attempt string) {
	trainings, err := h.Journal.Trainings(ctx, h.job, h.job)
	t := newTracker()
	if err == nil && trainings[h.job].ID == attempt {
		if err = json.Unmarshal(trainings[h.job].Tracker, &t); err == nil {
			h.live.update(h.job, attempt, t)
			err = h.showCheckpoints(ctx, attempt)
		}
	}
	if err != nil {
		h.log.Warn().Err(err).Str("attempt", attempt).Msg("the summary of the training begins anew")
	}
}

func (h *host) showCheckpoints(ctx context.Context, attempt string) error {
	list, err := h.Journal.Checkpoints(ctx, h.job, attempt)
	if err == nil {
		h.live.checkpoints(h.job, attempt, list)
	}
	return err
}

// python notes each call into the daemon's own interpreter before it is made:
// a note that is still there at the next start tells which step took the
// daemon down.
type python struct{ *host }

func (p python) Interpreter() string { return p.Engine.Python.Interpreter() }

func (p python) Call(ctx context.Context, c recipe.PythonCall) (json.RawMessage, error) {
	p.takenUp()
	if c.Isolated || ctx.Err() != nil {
		return p.Engine.Python.Call(ctx, c)
	}
	if err := p.Journal.BeginCall(ctx, p.job, p.step, p.boot); err != nil {
		return nil, err
	}
	defer func() {
		ctx := context.WithoutCancel(ctx)
		if err := p.keepTrying(ctx, func(ctx context.Context) error { return p.Journal.EndCall(ctx, p.job, p.step) }); err != nil {
			p.log.Warn().Err(err).Str("step", p.step).Msg("the end of a call could not be noted")
		}
	}()
	return p.Engine.Python.Call(ctx, c)
}
