// Package cards hands the accelerator cards of this machine out to trainings:
// never one card to two of them, none that somebody else uses, none that is
// not healthy.
//
// A [Pool] keeps a line of those who wait, in the order of their jobs'
// priority and age, and looks at the cards (package devices of the launcher)
// as long as there are any, for a foreign process may end at any time. What is
// held is remembered by the journal: [Pool.Restore] takes it up again after a
// restart, before anybody asks for more. How requests are met is decided by
// two pure functions, judge and assign.
package cards

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"ftd/launcher/devices"
)

// Config says which cards there are and how they are looked at.
type Config struct {
	// Look shows them; nil trusts that those of Only are there and well.
	Look func(context.Context) (devices.Snapshot, error)
	// Only are the logical ids that may be handed out; empty is all.
	Only []int
	// Ignore hands out cards that foreign processes use.
	Ignore bool
	// Every is how often to look while somebody waits, and Idle while nobody
	// does, for those who watch; 0 is 5 seconds and a minute.
	Every, Idle time.Duration
	// Tell is how often somebody is told of another reason at most; 0 is a
	// minute. A change of position is told at once.
	Tell time.Duration
	// Linger is how long the memory of a card may stay in use after its
	// training; 0 is 50 seconds. Left, if not nil, is told when it takes longer.
	Linger time.Duration
	Left   func(Lease, *devices.Occupied)
	Log    zerolog.Logger
}

// Waiting is what somebody waits for.
type Waiting struct {
	Position, Cards int
	Since           time.Time
	Reason          string
}

// Error says that a request can never be met.
type Error struct{ Message, Remedy string }

func (e *Error) Error() string { return e.Message + "; " + e.Remedy }

// Pool hands out cards. Make one with [New].
type Pool struct {
	Config
	wake chan struct{}
	work sync.WaitGroup
	ctx  context.Context // ends with Run
	end  context.CancelFunc

	mu     sync.Mutex
	closed bool
	leases []Lease
	line   []*waiter // in order
	shown  []Card    // as they were at the last look
	seen   []int     // logical ids of all that were ever shown
	failed error     // of the last look
}

type outcome struct {
	cards []int
	err   error
}

// New returns a pool that hands out nothing until Run is called.
func New(c Config) *Pool {
	for d, usual := range map[*time.Duration]time.Duration{
		&c.Every: 5 * time.Second, &c.Idle: time.Minute, &c.Tell: time.Minute, &c.Linger: 50 * time.Second,
	} {
		if *d == 0 {
			*d = usual
		}
	}
	p := &Pool{Config: c, wake: make(chan struct{}, 1)}
	p.ctx, p.end = context.WithCancel(context.Background())
	return p
}

// Restore takes up leases of an earlier program. Call it before Run.
func (p *Pool) Restore(l Lease) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leases = append(p.leases, l)
}

// Run looks and hands out until ctx ends, and returns when nothing of the
// pool's is at work any more.
func (p *Pool) Run(ctx context.Context) {
	defer p.close()
	for {
		p.round(ctx)
		p.mu.Lock()
		pause := p.Idle
		if len(p.line) > 0 {
			pause = p.Every
		}
		p.mu.Unlock()
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-p.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (p *Pool) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.end()
	p.work.Wait()
}

// Take waits until the request is met and returns the logical ids of the
// cards, ascending. They are held until [Pool.Release]. tell is told what is
// waited for, when that changes. An attempt that holds cards gets the same
// again.
func (p *Pool) Take(ctx context.Context, r Request, tell func(Waiting)) ([]int, error) {
	w := &waiter{Request: r, since: time.Now().UTC(), tell: tell, got: make(chan outcome, 1), reason: "the cards are being looked at"}
	p.mu.Lock()
	if at := p.lease(r.Job, r.Attempt); at >= 0 {
		defer p.mu.Unlock()
		return p.leases[at].Cards, nil
	}
	at, _ := slices.BinarySearchFunc(p.line, r, func(w *waiter, r Request) int { return before(w.Request, r) })
	p.line = slices.Insert(p.line, at, w)
	p.mu.Unlock()
	p.stir()
	select {
	case o := <-w.got:
		return o.cards, o.err
	case <-ctx.Done():
	}
	p.mu.Lock()
	p.line = slices.DeleteFunc(p.line, func(other *waiter) bool { return other == w })
	p.mu.Unlock()
	p.Release(r.Job, r.Attempt) // it may have been met just now
	return nil, context.Cause(ctx)
}

// Release gives back what an attempt holds, if anything.
func (p *Pool) Release(job, attempt string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.lease(job, attempt)
	if at < 0 {
		return
	}
	l := p.leases[at]
	p.leases = slices.Delete(p.leases, at, at+1)
	p.stir()
	if p.Look != nil && p.Left != nil && !p.Ignore && !p.closed {
		p.work.Go(func() { p.watch(l) })
	}
}

// lease is the place of an attempt's lease, -1 for none. The caller holds mu.
func (p *Pool) lease(job, attempt string) int {
	return slices.IndexFunc(p.leases, func(l Lease) bool { return l.Job == job && l.Attempt == attempt })
}

func (p *Pool) stir() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// round looks once and meets what can be met.
func (p *Pool) round(ctx context.Context) {
	shown, err := p.look(ctx)
	if ctx.Err() != nil {
		return
	}
	p.mu.Lock()
	told := p.serve(shown, err)
	p.mu.Unlock()
	for _, tell := range told {
		tell()
	}
}

func (p *Pool) look(ctx context.Context) ([]devices.Device, error) {
	if p.Look == nil {
		list := make([]devices.Device, len(p.Only))
		for i, id := range p.Only {
			list[i] = devices.Device{Logical: id, Physical: -1, Card: -1, Chip: -1, Health: "OK"}
		}
		return list, nil
	}
	shot, err := p.Look(ctx)
	return shot.Devices, err
}

// serve answers the line, and returns what is to be told to those who go on
// waiting. The caller holds mu.
func (p *Pool) serve(shown []devices.Device, err error) (tell []func()) {
	if err != nil {
		if p.failed == nil || p.failed.Error() != err.Error() {
			p.Log.Warn().Err(err).Msg("the cards cannot be looked at")
		}
		p.failed, p.shown = err, judge(nil, nil, nil, p.Ignore, p.leases)
		for _, w := range p.line {
			w.reason = err.Error() + " (with the setting cards: off nobody waits for cards)"
		}
		return p.changed()
	}
	p.failed = nil
	all := judge(shown, p.Only, p.seen, p.Ignore, p.leases)
	p.seen = nil
	for _, c := range all {
		p.seen = append(p.seen, c.Logical)
	}
	p.line = slices.DeleteFunc(p.line, func(w *waiter) bool {
		err := possible(w.Request, all)
		if err != nil {
			w.got <- outcome{err: err}
		}
		return err != nil
	})
	requests := make([]Request, len(p.line))
	for i, w := range p.line {
		requests[i] = w.Request
	}
	var left []*waiter
	for i, a := range assign(all, requests) {
		w := p.line[i]
		if a.cards == nil {
			w.reason = a.reason
			left = append(left, w)
			continue
		}
		l := Lease{Job: w.Job, Name: w.Name, Attempt: w.Attempt, Cards: a.cards}
		p.leases = append(p.leases, l)
		p.Log.Info().Str("job", w.Job).Str("attempt", w.Attempt).Ints("cards", a.cards).Msg("cards handed out")
		w.got <- outcome{cards: a.cards}
	}
	p.line = left
	p.shown = judge(shown, p.Only, p.seen, p.Ignore, p.leases)
	return p.changed()
}
