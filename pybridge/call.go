//go:build python

package pybridge

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"time"
)

// call is one call on its way through the queue and the interpreter.
type call struct {
	header       header
	encoded      []byte // the header as JSON, made before it is the call's turn
	args         string
	surroundings Surroundings
	inherits     bool // descriptors 1 and 2 are right already: in a worker
	impatient    bool // runs at once or not at all
	info         CallInfo
	listener     atomic.Pointer[listener] // set when it begins
	// finished is closed when answer is set and nothing of the call is left
	// in the interpreter.
	finished chan struct{}
	answer   answer
}

// Call runs a function and returns what it returned. When ctx ends, a waiting
// call leaves the queue and a running one is interrupted; if it does not
// return, the error is a [*StuckError].
func (in *Interpreter) Call(ctx context.Context, r Request) (json.RawMessage, error) {
	return in.do(ctx, newCall(r.header(), string(r.Args), r.Surroundings)).call()
}

// Query is Call where the interpreter is idle, and Worker where it is not: a
// person who asks something does not wait for a step that takes an hour.
func (in *Interpreter) Query(ctx context.Context, r Request) (json.RawMessage, error) {
	c := newCall(r.header(), string(r.Args), r.Surroundings)
	c.impatient = true
	a := in.do(ctx, c)
	if errors.Is(a.err, errBusy) {
		return in.Worker(ctx, r)
	}
	return a.call()
}

// What keeps a call from the interpreter: it would have to wait and may not, or
// would wait for ever.
var (
	errBusy = errors.New("the interpreter is busy")
	errLost = errors.New("the interpreter is lost")
)

// RunScript runs a file as __main__ and returns its exit code. An exception
// that the script does not catch is a [*PyError].
func (in *Interpreter) RunScript(ctx context.Context, s Script) (int, error) {
	return in.do(ctx, newCall(s.header(), "", s.Surroundings)).script()
}

// Check imports modules and returns the first error.
func (in *Interpreter) Check(ctx context.Context, imports []string) error {
	if len(imports) == 0 {
		return nil
	}
	return in.do(ctx, newCall(header{Imports: imports}, "", Surroundings{})).err
}

func (r Request) header() header {
	h := r.Surroundings.header()
	h.Module, h.Function = r.Module, r.Function
	return h
}

func (s Script) header() header {
	h := s.Surroundings.header()
	h.Script, h.Argv = s.File, s.Argv
	return h
}

func (s Surroundings) header() header {
	return header{Path: s.Path, Dir: s.Dir, Env: s.Env, ProgressFD: -1}
}

// mute makes sure that none of the caller's functions is called again.
func (c *call) mute() {
	if l := c.listener.Load(); l != nil {
		l.mute()
	}
}

func newCall(h header, args string, s Surroundings) *call {
	return &call{
		header:       h,
		args:         args,
		surroundings: s,
		info:         CallInfo{What: h.what(), Queued: time.Now()},
		finished:     make(chan struct{}),
	}
}

// encode must come before push: the caller's time costs nobody else anything.
func (c *call) encode() (err error) {
	c.encoded, err = json.Marshal(c.header)
	return err
}

func (in *Interpreter) do(ctx context.Context, c *call) answer {
	if c.surroundings.Device {
		return answer{err: &DeviceError{}}
	}
	if err := context.Cause(ctx); err != nil {
		return answer{err: err}
	}
	err := c.encode()
	if err != nil {
		return answer{err: err}
	}
	if err = in.push(c); err == nil {
		select {
		case <-c.finished:
			return c.answer
		case <-ctx.Done():
			return in.cancel(c, context.Cause(ctx))
		case <-in.lost:
			if c.listener.Load() != nil { // it is the one that was lost
				return answer{err: &EndError{Status: in.lostBy}}
			}
			err = errLost
		}
	}
	if errors.Is(err, errLost) {
		return in.isolate(ctx, c.header, []byte(c.args), c.surroundings)
	}
	return answer{err: err}
}
