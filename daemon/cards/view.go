package cards

import (
	"slices"
	"time"
)

// Cards are those that may be handed out, as they stood at the last look; err
// says why that is not known.
func (p *Pool) Cards() ([]Card, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.shown), p.failed
}

// HeldBy returns the cards that a job holds.
func (p *Pool) HeldBy(job string) []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []int
	for _, l := range p.leases {
		if l.Job == job {
			list = append(list, l.Cards...)
		}
	}
	slices.Sort(list)
	return list
}

// WaitingOf says what a job waits for; ok is false if it does not.
func (p *Pool) WaitingOf(job string) (w Waiting, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, w := range p.line {
		if w.Job == job {
			return w.waiting(i), true
		}
	}
	return w, false
}

// Line says how many wait, and since when the one who waits longest does.
func (p *Pool) Line() (n int, oldest time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.line {
		if oldest.IsZero() || w.since.Before(oldest) {
			oldest = w.since
		}
	}
	return len(p.line), oldest
}
