//go:build python

package pybridge

// #include "guard.h"
import "C"

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// guard is the Go face of guard.c, of which a process has one.
type guard struct {
	held *os.File // announces each signal and exit that was held back

	mu      sync.Mutex
	escaped map[string]bool
}

// armGuard must come after the Go runtime has started, which it has here, and
// before Python is loaded.
func armGuard(worker bool) (*guard, error) {
	var ends [2]int
	// Non-blocking: the announcement is written from within a signal handler.
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, fmt.Errorf("guard: pipe: %w", err)
	}
	if C.guard_exported() == 0 {
		return nil, errors.New("the signal guard is not exported from this binary; build it with scripts/build.sh")
	}
	mode := C.GUARD_DAEMON
	if worker {
		mode = C.GUARD_WORKER
	}
	C.guard_arm(C.int(mode), C.int(ends[1]))
	return &guard{held: os.NewFile(uintptr(ends[0]), "guard"), escaped: map[string]bool{}}, nil
}

// next waits until code in this process has tried to signal or end it.
func (g *guard) next() {
	var b [16]byte
	_, _ = g.held.Read(b[:]) // never closed
}

// takeSignal returns the signal held back since the last time, 0 for none.
func (g *guard) takeSignal() syscall.Signal {
	return syscall.Signal(C.guard_take_signal())
}

// repair undoes and notes what got past the guard.
func (g *guard) repair() {
	var escaped [C.GUARD_SIGNALS]C.uchar
	if C.guard_repair(&escaped[0]) == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for sig, set := range escaped {
		if set != 0 {
			g.escaped[signalName(syscall.Signal(sig))] = true
		}
	}
}

// takeExit returns the status of an exit held back since the last time.
func (g *guard) takeExit() (status int, tried bool) {
	status = int(C.guard_take_exit())
	return status, status >= 0
}

// lost tells whether a thread that Python cannot do without has tried to exit.
func (g *guard) lost() bool { return C.guard_lost() != 0 }

// pending tells whether a signal or an exit was held back and not yet taken.
func (g *guard) pending() bool { return C.guard_pending() != 0 }

func (g *guard) info() Guard {
	var counts C.struct_guard_counts
	C.guard_read(&counts)
	info := Guard{
		Armed:    true,
		Refused:  map[string]int{},
		Flagged:  int(counts.flagged),
		Signals:  int(counts.signals),
		Waits:    int(counts.waits),
		Exported: C.guard_exported() != 0,
	}
	for sig, n := range counts.refused {
		if n > 0 {
			info.Refused[signalName(syscall.Signal(sig))] = int(n)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for name := range g.escaped {
		info.Escaped = append(info.Escaped, name)
	}
	return info
}
