//go:build python

package pybridge

import (
	"errors"
	"time"
)

// cancelled is the Python class of the exception that ends a call.
const cancelled = "ftd._bridge.Cancelled"

// cancel ends a call whose context has ended, and returns its answer.
func (in *Interpreter) cancel(c *call, cause error) answer {
	if in.remove(c) {
		return answer{err: cause}
	}
	in.setState(c, StateCancelling)
	since := time.Now()
	go in.interrupt(c, func() bool { return true })
	grace := time.NewTimer(in.config.grace())
	defer grace.Stop()
	select {
	case <-c.finished:
		var e *PyError
		if errors.As(c.answer.err, &e) && e.Type == cancelled {
			return answer{err: cause}
		}
		return c.answer // it was faster, or had an error of its own
	case <-grace.C:
		in.setState(c, StateStuck)
		c.mute()
		return answer{err: &StuckError{What: c.info.What, After: time.Since(since), Err: cause}}
	}
}

// interruptInterval is how often a call that goes on is interrupted again:
// code may catch the exception, and goes on then.
const interruptInterval = 250 * time.Millisecond

// interrupt raises Cancelled in a call until it has ended or there is no reason
// any more. Each try may wait for the GIL for as long as C code holds it, so
// this runs in a goroutine that nobody waits for.
func (in *Interpreter) interrupt(c *call, reason func() bool) {
	tick := time.NewTicker(interruptInterval)
	defer tick.Stop()
	for {
		in.thread.interrupt(c.info.ID, reason)
		select {
		case <-c.finished:
			return
		case <-in.lost:
			return
		case <-tick.C:
		}
	}
}
