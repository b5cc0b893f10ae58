package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"ftd/api"
)

// queue is the line of jobs that wait for a slot, in the order in which they
// will begin: by priority, and among equals the oldest first. Whoever changes
// it holds the engine's mu; anybody may read it.
type queue struct{ jobs atomic.Pointer[[]queued] }

type queued struct {
	id       string
	priority int
	since    time.Time
}

func (q *queue) list() []queued {
	if list := q.jobs.Load(); list != nil {
		return *list
	}
	return nil
}

func (q *queue) add(job api.Job) {
	next := append(slices.Clone(q.list()), queued{job.ID, job.Priority, job.Created})
	slices.SortFunc(next, func(a, b queued) int {
		return cmp.Or(cmp.Compare(b.priority, a.priority), strings.Compare(a.id, b.id))
	})
	q.jobs.Store(&next)
}

func (q *queue) remove(id string) {
	next := slices.DeleteFunc(slices.Clone(q.list()), func(j queued) bool { return j.id == id })
	q.jobs.Store(&next)
}

// waiting says where a job is in the line, nil if it is not.
func (q *queue) waiting(id string) *api.Waiting {
	list := q.list()
	at := slices.IndexFunc(list, func(j queued) bool { return j.id == id })
	if at < 0 {
		return nil
	}
	reason := "as many jobs are at work as there are slots"
	if at > 0 {
		reason += fmt.Sprintf(", and %d more come first", at)
	}
	return &api.Waiting{For: api.WaitForSlot, Position: at + 1, Since: list[at].since, Reason: reason}
}

// schedule begins waiting jobs while there are free slots. The caller holds mu.
//
// A job whose training waits for cards or holds some takes no slot: cards are
// scarce enough, and what waits for one must not keep others from preparing,
// nor one with a higher priority from standing in that line before it.
func (e *Engine) schedule() {
	for _, next := range e.queue.list() {
		if e.closed || len(e.running)-len(e.onCards) >= e.Slots {
			return
		}
		e.queue.remove(next.id)
		e.begin(next.id, false)
	}
}

// useCards notes whether a job's training waits for cards or holds some.
func (e *Engine) useCards(job string, on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, running := e.running[job]; !running || !on {
		delete(e.onCards, job)
		return
	}
	e.onCards[job] = true
	e.schedule()
}
