// Package engine carries jobs out: it keeps the queue, runs each job's recipe
// with the journal as its memory, follows trainings, and takes up again what a
// daemon before it left unfinished.
//
// An [Engine] is the Host of package recipe (host.go) and the Observer of
// package launcher (observer.go); it alone knows that what they report ends up
// in the journal. [Engine.Close] leaves trainings running, and the next
// daemon's [Engine.Start] adopts them: a training never depends on us.
package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"ftd/api"
	"ftd/daemon/cards"
	"ftd/daemon/journal"
	"ftd/daemon/statedir"
	"ftd/launcher/process"
	"ftd/logparse"
	"ftd/recipe"
)

// Python is the daemon's Python: what recipes call, and what a person calls
// with `ftctl call`.
type Python interface {
	recipe.Python
	// Query calls like Call, but never waits for a step that is running, and
	// returns what was printed.
	Query(ctx context.Context, r api.CallRequest) (result json.RawMessage, output string, err error)
}

// Config says what an engine works with. All fields but Log are required.
type Config struct {
	Journal *journal.Journal
	State   *statedir.Dir
	Python  Python
	// Installation is what steps need to know of it.
	Installation recipe.Settings
	// Slots is how many jobs run at once; those whose trainings use cards, or
	// wait for them, are not counted.
	Slots int
	// Cards says which accelerator cards are handed out; nil is none.
	Cards *cards.Config
	// SkipChecks are the doctor's checks that are left out before each job.
	SkipChecks []string
	Log        zerolog.Logger
}

// Engine runs jobs. Make one with New.
type Engine struct {
	Config
	boot     string
	chatter  *chatter
	live     *live
	cards    *cards.Pool // nil where cards are not handed out
	queue    queue
	holds    *holds            // of results that are removed when no job uses them
	making   *making           // results that jobs are at work on
	wakeups  *logparse.Wakeups // nil where the system has none left
	ctx      context.Context   // of all jobs; ends with recipe.ErrShutdown
	shutdown context.CancelCauseFunc
	work     sync.WaitGroup

	keyed sync.Mutex // held while a request with a key is looked up and stored

	mu      sync.Mutex
	running map[string]context.CancelCauseFunc // by job
	follows map[string]bool                    // running jobs that do nothing but follow a training
	onCards map[string]bool                    // running jobs whose trainings use cards or wait for them
	closed  bool
}

// New returns an engine that runs nothing yet.
func New(c Config) (*Engine, error) {
	here, err := process.Here()
	if err != nil {
		return nil, fmt.Errorf("this machine's identity cannot be read: %w", err)
	}
	e := &Engine{Config: c, boot: here.BootID, live: newLive(), holds: newHolds(), making: newMaking(), running: map[string]context.CancelCauseFunc{},
		follows: map[string]bool{}, onCards: map[string]bool{}}
	e.chatter = newChatter(c.Journal, c.Log)
	if c.Cards != nil {
		pool := *c.Cards
		pool.Log, pool.Left = c.Log, e.cardsLeft
		e.cards = cards.New(pool)
	}
	if e.wakeups, err = logparse.NewWakeups(); err != nil {
		c.Log.Warn().Err(err).Msg("log files are polled only")
	}
	e.ctx, e.shutdown = context.WithCancelCause(context.Background())
	return e, nil
}

// Start takes up what an earlier daemon left: jobs that ran go on, jobs that
// were stopping go on stopping, the others keep their place in the line.
func (e *Engine) Start(ctx context.Context) error {
	crashes, err := e.Journal.FindCrashes(ctx, e.boot)
	if err != nil {
		return err
	}
	for _, c := range crashes {
		e.Log.Warn().Str("job", c.Job).Str("step", c.Step).Msg("this step took the daemon down; from now on it runs in a process of its own")
	}
	e.sweep()
	jobs, err := e.Journal.Jobs(ctx, journal.JobsQuery{Active: true, Limit: -1})
	if err != nil {
		return err
	}
	e.work.Go(func() { e.chatter.run(e.ctx) })
	e.work.Go(func() { e.prune(e.ctx) })
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.restoreCards(ctx); err != nil {
		return err
	}
	if e.cards != nil {
		e.work.Go(func() { e.cards.Run(e.ctx) })
	}
	for i := len(jobs) - 1; i >= 0; i-- { // the oldest first
		switch job := jobs[i]; job.State {
		case api.StateQueued:
			e.queue.add(job)
		default:
			// What ran has its place even if there are fewer slots now.
			e.Log.Info().Str("job", job.ID).Str("state", string(job.State)).Msg("taken up again")
			e.begin(job.ID, job.State == api.StateStopping)
		}
	}
	e.schedule()
	return nil
}

// Close ends the work on all jobs and waits until ctx ends for it to be put
// away. Trainings go on, jobs stay unfinished in the journal.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.shutdown(recipe.ErrShutdown)
	done := make(chan struct{})
	go func() { e.work.Wait(); close(done) }()
	select {
	case <-done:
		if e.wakeups != nil {
			return e.wakeups.Close()
		}
		return nil
	case <-ctx.Done():
		// Code of a step does not return to the interpreter. The step is begun
		// anew, and must not be taken for one that took the daemon down.
		e.Log.Warn().Msg("a step does not let go; it is begun again by the next daemon")
		return e.Journal.ForgetCalls(context.WithoutCancel(ctx))
	}
}

// begin runs a job. The caller holds mu.
func (e *Engine) begin(id string, stopping bool) {
	ctx, cancel := context.WithCancelCause(e.ctx)
	e.running[id] = cancel
	e.work.Go(func() {
		defer cancel(nil)
		e.carryOut(ctx, id, stopping, cancel)
		e.live.end(id)
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.running, id)
		delete(e.follows, id)
		delete(e.onCards, id)
		e.schedule()
	})
}

// carryOut runs a job to its end and stores that. A job that panics fails; it
// must not take the others with it.
func (e *Engine) carryOut(ctx context.Context, id string, stopping bool, cancel context.CancelCauseFunc) {
	log := e.Log.With().Str("job", id).Logger()
	err := func() (err error) {
		defer func() {
			if v := recover(); v != nil {
				log.Error().Interface("panic", v).Bytes("stack", debug.Stack()).Msg("a job made the daemon stumble")
				err = &recipe.Problem{Code: api.CodeInternal, Message: fmt.Sprintf("the daemon made a mistake: %v", v),
					Remedy: "its log says more; please report it"}
			}
		}()
		if stopping {
			return e.goOnStopping(ctx, id, cancel)
		}
		return e.runJob(ctx, id, nil)
	}()
	err = e.whyCut(ctx, id, err)
	state, failure := outcome(err)
	if state == "" {
		log.Info().Msg("left for the next daemon")
		return
	}
	e.chatter.flush(context.WithoutCancel(ctx))
	err = e.keepTrying(ctx, log, func(ctx context.Context) error {
		_, err := e.Journal.SetJob(ctx, id, state, failure)
		return err
	})
	if err != nil {
		log.Error().Err(err).Msg("the end of the job could not be stored; the next daemon takes it up again")
		return
	}
	event := log.Info()
	if failure != nil {
		event = log.Warn().Str("code", failure.Code).Str("why", failure.Message)
	}
	event.Str("state", string(state)).Msg("job ended")
}

// whyCut is err, or the reason if all that err says is that something was cut
// short, such as a look into the journal. A job is not failed because it was
// asked to stop at that moment, or because the daemon restarts.
func (e *Engine) whyCut(ctx context.Context, id string, err error) error {
	cause := context.Cause(ctx)
	if cause == nil || !errors.Is(err, context.Canceled) {
		return err
	}
	if !errors.Is(cause, recipe.ErrStop) {
		return cause
	}
	// What an earlier daemon left running may not have been taken up yet.
	again, cancel := context.WithCancelCause(e.ctx)
	defer cancel(nil)
	err = e.goOnStopping(again, id, cancel)
	if cause := context.Cause(again); cause != nil && errors.Is(err, context.Canceled) {
		return cause
	}
	return err
}

// prune deletes old events, now and then.
func (e *Engine) prune(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := e.Journal.PruneEvents(ctx); err != nil && ctx.Err() == nil {
			e.Log.Warn().Err(err).Msg("old events could not be deleted")
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
