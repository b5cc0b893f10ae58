//go:build python

package pybridge

import (
	"slices"
	"time"
)

// push puts a call at the end of the queue. A call that may not wait is put
// there only if it is the next to run and nothing runs: looking first and
// pushing then would let two callers at once both find the interpreter idle.
// The error is errBusy or errLost.
func (in *Interpreter) push(c *call) error {
	in.mu.Lock()
	switch {
	case in.state == StateLost:
		in.mu.Unlock()
		return errLost
	case c.impatient && (in.state != StateIdle || len(in.queue) > 0):
		in.mu.Unlock()
		return errBusy
	}
	in.lastID++
	c.info.ID = in.lastID
	in.queue = append(in.queue, c)
	in.mu.Unlock()
	select {
	case in.wake <- struct{}{}:
	default: // the owner will look anyway
	}
	return nil
}

// pop waits for the next call and makes it the current one.
func (in *Interpreter) pop() *call {
	for {
		in.mu.Lock()
		if len(in.queue) > 0 {
			c := in.queue[0]
			in.queue = slices.Delete(in.queue, 0, 1)
			c.info.Started = time.Now()
			in.current = c
			in.become(StateRunning)
			in.mu.Unlock()
			return c
		}
		in.mu.Unlock()
		<-in.wake
	}
}

// remove takes a call out of the queue; false if it is not there any more.
func (in *Interpreter) remove(c *call) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	i := slices.Index(in.queue, c)
	if i < 0 {
		return false
	}
	in.queue = slices.Delete(in.queue, i, i+1)
	return true
}

// done ends the current call.
func (in *Interpreter) done(c *call, a answer) {
	in.mu.Lock()
	in.calls++
	in.current = nil
	in.become(StateIdle)
	in.mu.Unlock()
	c.answer = a
	close(c.finished)
}

// setState changes the state if c is still the current call.
func (in *Interpreter) setState(c *call, s State) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.current == c {
		in.become(s)
	}
}

// become changes the state, unless it is one that lasts. It needs in.mu.
func (in *Interpreter) become(s State) {
	if in.state != StateLost {
		in.state = s
	}
}
