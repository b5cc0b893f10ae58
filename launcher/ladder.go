package launcher

import (
	"syscall"
	"time"
)

// Rung is one way to ask a run to end, and how long to wait for it.
type Rung struct {
	// Name is for people: "SIGINT".
	Name   string
	Signal syscall.Signal
	// Foreground sends the signal only to the process group of the command,
	// as Ctrl-C in a terminal does, and not to all processes of the run: who
	// gets it there can end the others in order (msrun its workers, a trainer
	// its data loaders).
	Foreground bool
	// Grace is how long to wait before the next rung.
	Grace time.Duration
}

// Ladder is how a run is stopped, the mildest rung first.
type Ladder []Rung

// DefaultLadder is what Ctrl-C does, then a request to each process, then the
// end of all of them. The last grace is for processes that hang in a device
// driver, where even SIGKILL must wait.
func DefaultLadder() Ladder {
	return Ladder{
		{Name: "SIGINT", Signal: syscall.SIGINT, Foreground: true, Grace: 15 * time.Second},
		{Name: "SIGTERM", Signal: syscall.SIGTERM, Grace: 10 * time.Second},
		{Name: "SIGKILL", Signal: syscall.SIGKILL, Grace: 30 * time.Second},
	}
}

// Total is how long a stop by this ladder takes at most.
func (l Ladder) Total() time.Duration {
	var sum time.Duration
	for _, r := range l {
		sum += r.Grace
	}
	return sum
}
