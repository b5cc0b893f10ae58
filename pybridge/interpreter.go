//go:build python

package pybridge

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
)

// Interpreter is the CPython inside this process. There is at most one, and it
// lives as long as the process.
type Interpreter struct {
	config  Config
	probed  probed
	guard   *guard
	facts   facts
	thread  *thread
	ownDir  bool
	workers atomic.Int32

	mu          sync.Mutex // guards what follows, which Info reads
	state       State
	queue       []*call
	current     *call
	calls       uint64
	lastID      uint64
	holdsDevice bool
	wake        chan struct{} // holds one token when the queue may have grown
	lostBy      int           // the status of the exit that lost it
	lost        chan struct{} // closed after that
}

// started is true once a process has its interpreter: CPython keeps its state
// in C globals, so a second one cannot be had.
var started atomic.Bool

// Start loads the interpreter of an environment into this process. It cannot
// be undone and succeeds once.
func Start(ctx context.Context, config Config) (*Interpreter, error) {
	if !filepath.IsAbs(config.Program) || !filepath.IsAbs(config.Library) {
		return nil, errors.New("pybridge: Config.Program and Config.Library must be absolute paths")
	}
	DaemonStderr() // before anything is redirected
	found, err := probe(ctx, config.Program)
	if err != nil {
		return nil, err
	}
	if found.Minor != BuiltFor() {
		return nil, fmt.Errorf("this daemon was built for Python %s, but the environment %s has Python %s; rebuild with: make build ENV=%s",
			BuiltFor(), config.Prefix, found.Version, config.Prefix)
	}
	if err := writeLibrary(config.Library); err != nil {
		return nil, err
	}
	return boot(config, found, settings{})
}

// boot loads an interpreter that was probed.
func boot(config Config, found probed, s settings) (*Interpreter, error) {
	if !started.CompareAndSwap(false, true) {
		return nil, errors.New("pybridge: this process already has an interpreter")
	}
	guard, err := armGuard(s.Worker)
	if err != nil {
		return nil, err
	}
	in := &Interpreter{
		config: config,
		probed: found,
		guard:  guard,
		state:  StateIdle,
		wake:   make(chan struct{}, 1),
		lost:   make(chan struct{}),
	}
	ready := make(chan error)
	go in.own(s, ready)
	if err := <-ready; err != nil {
		return nil, err
	}
	go in.watchGuard()
	return in, nil
}

// Info tells what the interpreter is and does.
func (in *Interpreter) Info() Info {
	info := Info{
		Version:      in.facts.Version,
		Program:      in.facts.Program,
		Prefix:       in.facts.Prefix,
		Path:         append([]string(nil), in.facts.Path...),
		OwnDirectory: in.ownDir,
		Workers:      int(in.workers.Load()),
		Guard:        in.guard.info(),
		Queue:        []CallInfo{},
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	info.State = in.state
	info.Calls = in.calls
	info.HoldsDevice = in.holdsDevice
	if in.current != nil {
		current := in.current.info
		info.Current = &current
		info.BusySince = current.Started
	}
	for _, c := range in.queue {
		info.Queue = append(info.Queue, c.info)
	}
	return info
}

// BuiltFor returns the Python version this binary was built for: "3.11".
func BuiltFor() string {
	return builtFor()
}

// minor cuts "3.11.7 (main, ...)" to "3.11".
func minor(version string) string {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return version
	}
	return parts[0] + "." + parts[1]
}
