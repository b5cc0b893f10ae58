//go:build python

package pybridge

import (
	"context"
	"encoding/json"
	"sync/atomic"
	"time"
)

// call is one call on its way through the queue and the interpreter.
type call struct {
	header       header
	args         string
	surroundings Surroundings
	inherits     bool // descriptors 1 and 2 are right already: in a worker
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
	return in.do(ctx, r.header(), string(r.Args), r.Surroundings).call()
}

// RunScript runs a file as __main__ and returns its exit code. An exception
// that the script does not catch is a [*PyError].
func (in *Interpreter) RunScript(ctx context.Context, s Script) (int, error) {
	return in.do(ctx, s.header(), "", s.Surroundings).script()
}

// Check imports modules and returns the first error.
func (in *Interpreter) Check(ctx context.Context, imports []string) error {
	if len(imports) == 0 {
		return nil
	}
	return in.do(ctx, header{Imports: imports}, "", Surroundings{}).err
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

func (in *Interpreter) do(ctx context.Context, h header, args string, s Surroundings) answer {
	if s.Device {
		return answer{err: &DeviceError{}}
	}
	if err := context.Cause(ctx); err != nil {
		return answer{err: err}
	}
	c := &call{
		header:       h,
		args:         args,
		surroundings: s,
		info:         CallInfo{What: h.what(), Queued: time.Now()},
		finished:     make(chan struct{}),
	}
	in.push(c)
	select {
	case <-c.finished:
		return c.answer
	case <-ctx.Done():
		return in.cancel(c, context.Cause(ctx))
	}
}
