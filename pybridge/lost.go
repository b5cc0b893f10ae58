//go:build python

package pybridge

// watchGuard ends the running call as soon as code in it has tried to signal
// or to end this process.
func (in *Interpreter) watchGuard() {
	for {
		in.guard.next()
		in.mu.Lock()
		current := in.current
		in.mu.Unlock()
		switch {
		case in.guard.lost():
			in.giveUp(current)
		case current != nil:
			go in.interrupt(current, in.guard.pending)
		}
	}
}

// giveUp notes that Python will never run again: the thread that tried to exit
// sleeps for ever. A library's own thread costs nothing; this one was the
// interpreter's, or had the GIL.
func (in *Interpreter) giveUp(c *call) {
	if c != nil {
		c.mute()
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.state == StateLost {
		return
	}
	in.state, in.queue = StateLost, nil
	in.lostBy, _ = in.guard.takeExit()
	close(in.lost)
}
