package cards

import (
	"fmt"
	"slices"
	"time"
)

// waiter is somebody in the line.
type waiter struct {
	Request
	since time.Time
	// tell is called when what it waits for changes.
	tell   func(Waiting)
	told   Waiting
	toldAt time.Time
	reason string
	got    chan outcome // of one
}

// possible says whether a request can ever be met on this machine.
func possible(r Request, all []Card) error {
	for _, id := range r.Only {
		if !slices.ContainsFunc(all, func(c Card) bool { return c.Logical == id }) {
			return &Error{Message: fmt.Sprintf("there is no card %d among the %d that ftd may use", id, len(all)),
				Remedy: "`ftctl cards` lists them; correct ASCEND_RT_VISIBLE_DEVICES or DEVICE_ID"}
		}
	}
	if want := r.count(); want > len(all) {
		return &Error{Message: fmt.Sprintf("the training needs %d cards, and ftd may use %d", want, len(all)),
			Remedy: "use fewer workers, or give ftd more cards (setting cards)"}
	}
	return nil
}

// changed returns what those who wait have not been told. The caller holds mu.
func (p *Pool) changed() (tell []func()) {
	for i, w := range p.line {
		now := w.waiting(i)
		soon := now.Position == w.told.Position && time.Since(w.toldAt) < p.Tell
		if now != w.told && !soon && w.tell != nil {
			w.told, w.toldAt = now, time.Now()
			tell = append(tell, func() { w.tell(now) })
		}
	}
	return tell
}

func (w *waiter) waiting(at int) Waiting {
	return Waiting{Position: at + 1, Cards: w.count(), Since: w.since, Reason: w.reason}
}
