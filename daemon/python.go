package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"ftd/api"
	"ftd/daemon/metrics"
	"ftd/daemon/settings"
	"ftd/pybridge"
	"ftd/recipe"
)

// python is the daemon's interpreter as recipes and clients see it. It is
// loaded with the first call, so that a daemon which only supervises commands
// stays small and needs no environment at all.
type python struct {
	config pybridge.Config
	log    zerolog.Logger

	loading sync.Mutex // held while the interpreter is loaded
	bridge  atomic.Pointer[pybridge.Interpreter]
	loaded  atomic.Pointer[string] // its version

	succeeded, failed atomic.Uint64
	nanoseconds       atomic.Int64 // that calls took
	before            atomic.Int64 // the process's memory before the interpreter was loaded
}

func newPython(s *settings.Settings, library, stray string, log zerolog.Logger) *python {
	p := &python{log: log}
	if s.Env != "" {
		p.config = pybridge.Config{Prefix: s.Env, Program: program(s.Env), Library: library, Stray: stray}
	}
	return p
}

// program is an environment's python; some installations have only python3.
func program(env string) string {
	for _, name := range []string{"python", "python3"} {
		if path := filepath.Join(env, "bin", name); executable(path) {
			return path
		}
	}
	return filepath.Join(env, "bin", "python") // whoever needs it will say that it is missing
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir() && info.Mode()&0o111 != 0
}

// Interpreter is the path of the environment's python, "" without one.
func (p *python) Interpreter() string { return p.config.Program }

// load returns the interpreter, and starts it if need be. A failure is not
// kept: the person may repair the environment and try again.
func (p *python) load(ctx context.Context) (*pybridge.Interpreter, error) {
	if in := p.bridge.Load(); in != nil {
		return in, nil
	}
	if p.config.Prefix == "" {
		return nil, &recipe.Problem{Code: api.CodeNoEnvironment, Message: "the daemon has no Python environment",
			Remedy: "name one with --env or FTD_ENV (the directory of a conda environment or venv with MindSpore) and start the daemon again"}
	}
	p.loading.Lock()
	defer p.loading.Unlock()
	if in := p.bridge.Load(); in != nil {
		return in, nil
	}
	// The interpreter outlives the call that happens to be the first.
	p.before.Store(resident())
	in, err := pybridge.Start(context.WithoutCancel(ctx), p.config)
	if err != nil {
		return nil, startProblem(p.config.Prefix, err)
	}
	info := in.Info()
	p.log.Info().Str("version", info.Version).Str("prefix", info.Prefix).Bool("guard", info.Guard.Armed).Msg("python loaded")
	p.loaded.Store(&info.Version)
	p.bridge.Store(in)
	return in, nil
}

func startProblem(prefix string, err error) error {
	if errors.Is(err, pybridge.ErrNotBuilt) {
		return &recipe.Problem{Code: api.CodeNoPython, Message: "this daemon was built without Python",
			Remedy: "build one for your environment: make build ENV=" + prefix}
	}
	return &recipe.Problem{Code: api.CodeNoEnvironment, Message: "the Python environment " + prefix + " cannot be used: " + err.Error(),
		Remedy: "repair it, or name another one with --env or FTD_ENV and start the daemon again"}
}

// Call carries out a step's call: in this process, or in one of its own.
func (p *python) Call(ctx context.Context, c recipe.PythonCall) (json.RawMessage, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	in, err := p.load(ctx)
	if err != nil {
		return nil, err
	}
	around := pybridge.Surroundings{
		Path: c.Path, Dir: c.Dir, Env: c.Env, LogFile: c.LogFile, Device: c.Isolated, Progress: c.Progress, Output: c.Output,
	}
	defer p.clock(time.Now())
	if c.Script != "" {
		return p.count(script(ctx, in, c, around))
	}
	call := in.Call
	if c.Isolated {
		call = in.Worker
	}
	return p.count(call(ctx, pybridge.Request{Module: c.Module, Function: c.Function, Args: c.Args, Surroundings: around}))
}

// script runs a file as __main__; the result is its exit status.
func script(ctx context.Context, in *pybridge.Interpreter, c recipe.PythonCall, around pybridge.Surroundings) (json.RawMessage, error) {
	run := in.RunScript
	if c.Isolated {
		run = in.WorkerScript
	}
	status, err := run(ctx, pybridge.Script{File: c.Script, Argv: c.Argv, Surroundings: around})
	if err != nil {
		return nil, err
	}
	return json.Marshal(status)
}

// maxOutput bounds what a query returns of what it printed.
const maxOutput = 1 << 20

// Query carries out a person's call. While the interpreter is busy with a step
// it goes to a process of its own, for nobody wants to wait an hour.
func (p *python) Query(ctx context.Context, r api.CallRequest) (json.RawMessage, string, error) {
	args, err := json.Marshal(r.Args)
	if err != nil {
		return nil, "", api.Errorf(api.CodeBadRequest, "args: %v", err)
	}
	if r.Args == nil {
		args = nil
	}
	in, err := p.load(ctx)
	if err != nil {
		return nil, "", err // a problem of the environment, not of the call
	}
	call := in.Query
	if r.Isolation == recipe.IsolationWorker {
		call = in.Worker
	}
	defer p.clock(time.Now())
	var output strings.Builder
	result, err := p.count(call(ctx, pybridge.Request{Module: r.Module, Function: r.Function, Args: args, Surroundings: pybridge.Surroundings{
		Output: func(line string) {
			if output.Len() < maxOutput {
				output.WriteString(line + "\n")
			}
		},
	}}))
	if err != nil {
		return nil, "", queryError(r, err)
	}
	return result, output.String(), nil
}

// clock takes note of how long a call took.
func (p *python) clock(began time.Time) { p.nanoseconds.Add(int64(time.Since(began))) }

// count takes note of how a call ended, or did not, and puts a Python exception into the
// words of package recipe.
func (p *python) count(result json.RawMessage, err error) (json.RawMessage, error) {
	if err != nil {
		p.failed.Add(1)
	} else {
		p.succeeded.Add(1)
	}
	var stuck *pybridge.StuckError
	if errors.As(err, &stuck) {
		// The job is stopped, which is no error that anybody reads; its step
		// still holds up all that come after it.
		p.log.Warn().Str("call", stuck.What).Msg(stuck.Error())
	}
	var raised *pybridge.PyError
	if errors.As(err, &raised) {
		return nil, exception{raised}
	}
	return result, err
}

// exception is a Python exception in the words of package recipe.
type exception struct{ *pybridge.PyError }

func (e exception) PythonError() (typ, message string, traceback []string) {
	return e.Type, e.Message, strings.Split(strings.TrimRight(e.Traceback, "\n"), "\n")
}

func (e exception) Unwrap() error { return e.PyError }

// excerptLines is how much of a traceback an answer holds.
const excerptLines = 40

func queryError(r api.CallRequest, err error) error {
	what := r.Module + "." + r.Function
	alone := fmt.Sprintf("call it in a process of its own: ftctl call --worker %s %s", r.Module, r.Function)
	var raised exception
	if errors.As(err, &raised) {
		_, _, trace := raised.PythonError()
		e := api.Errorf(api.CodePython, "%s raised %s", what, raised.Error()).
			WithRemedy("see the traceback: it is of what was called, or of its arguments")
		if strings.HasSuffix(raised.Type, "IsolationRequired") {
			e = e.WithRemedy("%s", alone)
		}
		e.Excerpt = trace[max(0, len(trace)-excerptLines):]
		return e
	}
	var stuck *pybridge.StuckError
	switch {
	case errors.As(err, &stuck):
		return api.Errorf(api.CodeTimeout, "%v", err)
	case errors.Is(err, context.DeadlineExceeded):
		return api.Errorf(api.CodeTimeout, "%s took too long and was ended", what).
			WithRemedy("allow it more time with --timeout")
	case errors.Is(err, context.Canceled):
		return err
	}
	// It exited, its worker died, it sent a signal or kept a card: the error
	// says which, and what to do.
	e := api.Errorf(api.CodePython, "%s: %v", what, err).
		WithRemedy("see what it printed last; `ftctl doctor` looks for what is wrong with the daemon's Python")
	var signalled *pybridge.SignalError
	var ended *pybridge.EndError
	var holds *pybridge.DeviceError
	if errors.As(err, &signalled) || errors.As(err, &ended) || errors.As(err, &holds) {
		e = e.WithRemedy("%s", alone)
	}
	var died *pybridge.WorkerError
	if errors.As(err, &died) {
		e.Excerpt = died.LastWords()
	}
	return e
}

func (p *python) version() string {
	if v := p.loaded.Load(); v != nil {
		return *v
	}
	return pybridge.BuiltFor()
}

func (p *python) calls() metrics.Calls {
	c := metrics.Calls{Succeeded: p.succeeded.Load(), Failed: p.failed.Load(), Seconds: time.Duration(p.nanoseconds.Load()).Seconds()}
	if in := p.bridge.Load(); in != nil {
		info := in.Info()
		c.Guard = map[string]int{"handler": 0, "signal": info.Guard.Signals, "wait": info.Guard.Waits}
		for _, n := range info.Guard.Refused {
			c.Guard["handler"] += n
		}
		c.Memory = max(resident()-p.before.Load(), 0)
		c.Queued, c.Busy = len(info.Queue), info.State != pybridge.StateIdle && info.State != pybridge.StateLost
	}
	return c
}
