package journal

import (
	"context"
	"slices"
	"sync"
	"time"
)

// gather is how long the first of a group waits for others.
const gather = 5 * time.Millisecond

// group are the batches that wait to be stored. They share a transaction: what
// a hundred trainings log at once is one commit and not a hundred.
type group struct {
	mu      sync.Mutex
	members []*member
	company bool // the newest group had more than one member
}

// member is a batch that waits.
type member struct {
	batch  Batch
	stored chan error // gets one value, when it is stored or cannot be
}

// join reports whether b is the first of a group, which has to be stored then.
func (g *group) join(b Batch) (m *member, first bool) {
	m = &member{b, make(chan error, 1)}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.members = append(g.members, m)
	return m, len(g.members) == 1
}

// leave reports false if m is being stored already.
func (g *group) leave(m *member) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.members, m)
	if i < 0 {
		return false
	}
	g.members = slices.Delete(g.members, i, i+1)
	return true
}

// take returns those who wait; the next ones are another group.
func (g *group) take() []*member {
	g.mu.Lock()
	defer g.mu.Unlock()
	members := g.members
	g.members, g.company = nil, len(g.members) > 1
	return members
}

// expects reports whether it is worth to wait for others. A single training has
// no company, and each wait costs more processor time than what it is for.
// Groups grow by themselves while another one is being stored.
func (g *group) expects() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.company
}

// AddBatch stores a batch, and the events that tell of it. It returns when
// they are stored; a caller's cancel counts until that begins.
func (j *Journal) AddBatch(ctx context.Context, b Batch) error {
	m, first := j.group.join(b)
	if first && !j.addAlone(context.WithoutCancel(ctx)) {
		// Not here: the others wait for it even if this caller gives up.
		go j.addGroup(context.WithoutCancel(ctx))
	}
	select {
	case err := <-m.stored:
		return err
	case <-ctx.Done():
		if j.group.leave(m) {
			return ctx.Err()
		}
		return <-m.stored
	}
}

// addAlone stores what waits if no company is expected and it need not wait for
// its turn. To have another goroutine do it wakes a thread up, for a single
// training ten times a second.
func (j *Journal) addAlone(ctx context.Context) bool {
	if j.group.expects() {
		return false
	}
	select {
	case j.turn <- struct{}{}:
		defer j.endTurn()
		j.storeGroup(ctx)
		return true
	default:
		return false
	}
}

// addGroup waits for company and for the turn.
func (j *Journal) addGroup(ctx context.Context) {
	if j.group.expects() {
		<-time.After(gather) // for company, not for a condition
	}
	j.turn <- struct{}{}
	defer j.endTurn()
	j.storeGroup(ctx)
}

// storeGroup stores all that wait, in one transaction. If that fails, because of
// one of them maybe, each gets a transaction and an answer of its own. It needs
// the turn.
func (j *Journal) storeGroup(ctx context.Context) {
	members := j.group.take()
	if len(members) == 0 {
		return // they gave up
	}
	err := j.transact(ctx, ordered, func(t *tx) error {
		for _, m := range members {
			if err := t.batch(m.batch); err != nil {
				return err
			}
		}
		return nil
	})
	for _, m := range members {
		if err != nil && len(members) > 1 {
			m.stored <- j.transact(ctx, ordered, func(t *tx) error { return t.batch(m.batch) })
		} else {
			m.stored <- err
		}
	}
}
