// Package notices tells people of what happens to their jobs: it calls a
// webhook or runs a command when a job has ended, when a watchdog found
// something, or when a disk will not last.
//
// [Load] reads whom to tell from a file; a [Teller] follows the journal's
// events and tells each [Target] in a goroutine of its own, from a bounded
// queue, with retries. Nothing here is waited for: a chat server that hangs
// costs the daemon nothing, and a training even less. Up to which event each
// target was told is kept in a file, so that a restart forgets nothing; a
// notice may be told twice, when the daemon was killed in between.
package notices

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"ftd/api"
)

// Journal is what a Teller reads.
type Journal interface {
	Job(ctx context.Context, id string) (api.Job, error)
	EventsOf(ctx context.Context, after, upTo int64, types ...string) ([]api.Event, error)
	LastEvent() (int64, <-chan struct{})
}

// waiting is how many notices wait for one target. More than that are dropped:
// whoever was not told of a hundred is not helped by the next.
const waiting = 100

// lookEvery is how often events are looked at, at most.
const lookEvery = 500 * time.Millisecond

// Teller tells targets of events. Make one with New.
type Teller struct {
	journal Journal
	environ []string // of commands
	place   string   // the file that keeps what was told
	kept    string   // what is in it
	log     zerolog.Logger

	mu     sync.Mutex // guards lines and cancel
	lines  []*line    // replaced as a whole, while nobody is at work
	cancel context.CancelFunc
	work   sync.WaitGroup
	after  int64 // events up to this one are in the lines; of the goroutine that follows
}

// line is a target and what waits for it.
type line struct {
	target *Target
	queue  chan Notice
	busy   atomic.Int64 // notices that are not told yet
	told   atomic.Int64 // the event of the newest notice that was
	after  int64        // events up to this one were told the last time
}

// New returns a Teller that is not at work yet. environ is what commands run
// in; place is the Teller's own file.
func New(targets []*Target, j Journal, environ []string, place string, log zerolog.Logger) *Teller {
	t := &Teller{journal: j, environ: environ, place: place, log: log}
	t.lines = t.linesOf(targets)
	return t
}

func (t *Teller) linesOf(targets []*Target) []*line {
	var lines []*line
	for _, target := range targets {
		target.environ = t.environ
		lines = append(lines, &line{target: target, queue: make(chan Notice, waiting)})
	}
	return lines
}

// Start begins to tell of what happened since the last time. Close ends it.
func (t *Teller) Start() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.start()
}

func (t *Teller) start() {
	if len(t.lines) == 0 {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.cancel = cancel
	for _, l := range t.lines {
		t.work.Go(func() { t.tell(ctx, l) })
	}
	t.work.Go(func() { t.follow(ctx) })
}

// Close ends the work; what was not told yet is told after the next Start.
func (t *Teller) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stop()
}

func (t *Teller) stop() {
	if t.cancel == nil {
		return
	}
	t.cancel()
	t.work.Wait()
	t.cancel = nil
	t.keep(t.after) // or what was told since the last look would be told again
}

// Replace tells others from now on. Who stays, by name, is told of everything
// once, as if nothing had happened.
func (t *Teller) Replace(targets []*Target) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stop()
	t.lines = t.linesOf(targets)
	t.start()
}

// Test tells every target, or the one of that name, and says what came of it:
// one try each, and now.
func (t *Teller) Test(ctx context.Context, name string) ([]api.NoticeTest, error) {
	t.mu.Lock()
	lines := t.lines
	t.mu.Unlock()
	if len(lines) == 0 {
		return nil, api.Errorf(api.CodeConflict, "there is nobody to notify").
			WithRemedy("name a file with the setting notify, then: ftctl reload; docs/operate.md shows one")
	}
	results := []api.NoticeTest{}
	for _, l := range lines {
		if name != "" && name != l.target.Name {
			continue
		}
		r := api.NoticeTest{Name: l.target.Name, Target: l.target.String()}
		if err := l.target.tell(ctx, sample(time.Now())); err != nil {
			r.Error = err.Error()
		}
		results = append(results, r)
	}
	if len(results) == 0 {
		return nil, api.Errorf(api.CodeNotFound, "nobody to notify is called %q", name).WithRemedy("`ftctl notify test` shows all")
	}
	return results, nil
}

func (t *Teller) follow(ctx context.Context) {
	t.after = t.recall()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		last, changed := t.journal.LastEvent()
		if last > t.after {
			if err := t.look(ctx, t.after, last); err != nil {
				if ctx.Err() == nil {
					t.log.Warn().Err(err).Msg("notifications wait for the journal")
				}
			} else {
				t.after = last
			}
		}
		quiet := t.keep(t.after)
		select { // not at each event: there may be thousands a second
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if quiet {
			select {
			case <-ctx.Done():
				return
			case <-changed:
			}
		}
	}
}

// look puts what happened in between into the lines: all of it, or nothing if
// the journal does not answer, since it is asked for the same again then.
func (t *Teller) look(ctx context.Context, after, last int64) error {
	events, err := t.journal.EventsOf(ctx, after, last, api.EventJob, api.EventWatchdog)
	if err != nil {
		return err
	}
	var list []Notice
	for _, e := range events {
		n, ok, err := t.notice(ctx, e)
		if err != nil {
			return err
		}
		if ok {
			list = append(list, n)
		}
	}
	for _, n := range list {
		for _, l := range t.lines {
			if l.target.wants(n.Event) && n.id > l.after {
				t.put(l, n)
			}
		}
	}
	return nil
}

func (t *Teller) put(l *line, n Notice) {
	l.busy.Add(1)
	select {
	case l.queue <- n:
	default:
		l.busy.Add(-1)
		t.log.Warn().Str("notify", l.target.Name).Str("job", n.Job.ID).Str("event", n.Event).Msg("too many notices wait; this one is dropped")
	}
}

func (t *Teller) tell(ctx context.Context, l *line) {
	for {
		select {
		case <-ctx.Done():
			return
		case n := <-l.queue:
			if ctx.Err() != nil {
				return // both were ready
			}
			err := l.target.keepTelling(ctx, n)
			if err != nil && ctx.Err() != nil {
				return // it stays what is to be told
			}
			event := t.log.Info()
			if err != nil {
				event = t.log.Warn().Err(err)
			}
			event.Str("notify", l.target.Name).Str("job", n.Job.ID).Str("event", n.Event).Msg("notified")
			l.told.Store(n.id)
			l.busy.Add(-1)
		}
	}
}
