package launcher

import (
	"slices"
	"syscall"
	"time"
)

// Rung is one way to ask a run to end, and how long to wait for it.
type Rung struct {
	// Name is for people: "SIGINT".
	Name string
	// Signal is 0 for the request in a file that [ExitVariable] names.
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

// Graces says how long each way to end is given; 0 leaves the rung out.
type Graces struct {
	// Graceful is for a training that looks for an exit request after each
	// step, saves a checkpoint and ends.
	Graceful time.Duration
	// Interrupt is for SIGINT, as Ctrl-C sends it, Terminate for SIGTERM to
	// each process.
	Interrupt, Terminate time.Duration
}

// DefaultGraces asks for no exit on request: most programs do not look.
func DefaultGraces() Graces { return Graces{Interrupt: 30 * time.Second, Terminate: 15 * time.Second} }

// killGrace is for processes that hang in a device driver, where even SIGKILL
// must wait.
const killGrace = 30 * time.Second

// Ladder returns the rungs for which there is a grace, and SIGKILL.
func (g Graces) Ladder() Ladder {
	rungs := Ladder{
		{Name: "exit request", Grace: g.Graceful},
		{Name: "SIGINT", Signal: syscall.SIGINT, Foreground: true, Grace: g.Interrupt},
		{Name: "SIGTERM", Signal: syscall.SIGTERM, Grace: g.Terminate},
	}
	rungs = slices.DeleteFunc(rungs, func(r Rung) bool { return r.Grace <= 0 })
	return append(rungs, Rung{Name: "SIGKILL", Signal: syscall.SIGKILL, Grace: killGrace})
}

// DefaultLadder is what Ctrl-C does, then a request to each process, then the
// end of all of them.
func DefaultLadder() Ladder { return DefaultGraces().Ladder() }

// Kill ends a run without asking.
func Kill() Ladder {
	return Graces{}.Ladder()
}

// Total is how long a stop by this ladder takes at most.
func (l Ladder) Total() time.Duration {
	var sum time.Duration
	for _, r := range l {
		sum += r.Grace
	}
	return sum
}
