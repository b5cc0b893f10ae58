package recipe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"time"

	"ftd/launcher"
)

// subprocess is a program that a step runs. It runs under ftd-shim as trainings
// do, so that everything it starts ends with it or with the step.
type subprocess struct {
	// name is that of its run directory within the attempt's.
	name    string
	command []string
	dir     string
	// env is added to the environment of the step.
	env map[string]string
	// plain leaves out the Python environment: for git, or to make another one.
	plain bool
	// survives says that it goes on when the daemon ends, and is taken up again
	// by the next one; else it is ended then, and begun anew.
	survives bool
	// also, if not nil, is called now and then while it runs, and at its end.
	also func()
}

const (
	subprocessLog = "output.log"
	lookAgain     = 100 * time.Millisecond
)

// run runs it to its end. What it prints goes to the step's log and to whoever
// listens. When ctx ends, so do all of its processes.
func (p subprocess) run(ctx context.Context, s *StepContext) (launcher.Exit, error) {
	run, err := p.begin(ctx, s)
	if err != nil {
		return launcher.Exit{}, err
	}
	out := &lineTail{path: run.Log(), log: filepath.Join(s.Attempt.Dir, StepLog), line: func(line string) { s.Host.Output(s.Step.ID, line) }}
	status, err := p.wait(ctx, run, out)
	if ctx.Err() != nil && (!p.survives || !errors.Is(context.Cause(ctx), ErrShutdown)) {
		_, err := run.Stop(context.WithoutCancel(ctx), launcher.DefaultLadder(), nil)
		return launcher.Exit{}, errors.Join(context.Cause(ctx), err)
	}
	switch {
	case ctx.Err() != nil:
		return launcher.Exit{}, context.Cause(ctx)
	case err != nil:
		return launcher.Exit{}, err
	case status.State != launcher.StateExited:
		return launcher.Exit{}, &Problem{
			Code:    CodeInterrupted,
			Message: fmt.Sprintf("the step %s was interrupted: %s", s.Step.ID, status.Reason),
			Remedy:  "run the recipe again: what is done stays done",
		}
	}
	return status.Exit, nil
}

// begin starts it, or takes up the one that an earlier daemon has started.
func (p subprocess) begin(ctx context.Context, s *StepContext) (*launcher.Run, error) {
	dir := filepath.Join(s.Attempt.Dir, p.name)
	if run, err := launcher.Open(dir); err == nil {
		if p.survives {
			return run, nil
		}
		if _, err := run.Stop(ctx, launcher.DefaultLadder(), nil); err != nil {
			return nil, err
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	extra := maps.Clone(s.Env)
	if extra == nil {
		extra = map[string]string{}
	}
	maps.Copy(extra, p.env)
	request := launcher.EnvRequest{Start: s.Settings.Start, Extra: extra}
	if !p.plain {
		request.Prefix = s.Settings.Env
		request.Scripts = launcher.ActivationScripts(s.Settings.Env, s.Settings.Start)
	}
	env, err := launcher.BuildEnvironment(ctx, request)
	if err != nil {
		return nil, err
	}
	return launcher.Launch(ctx, dir, launcher.Spec{
		Run: s.Job + "/" + s.Attempt.ID + "/" + p.name, Command: p.command, Dir: p.dir, Env: env.Environ(), Log: subprocessLog,
	}, s.Settings.Shim)
}

func (p subprocess) wait(ctx context.Context, run *launcher.Run, out *lineTail) (launcher.Status, error) {
	type ended struct {
		status launcher.Status
		err    error
	}
	over := make(chan ended, 1)
	go func() {
		status, err := run.Wait(ctx)
		over <- ended{status, err}
	}()
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		select {
		case e := <-over:
			out.read(true)
			if p.also != nil {
				p.also()
			}
			return e.status, e.err
		case <-tick.C:
			out.read(false)
			if p.also != nil {
				p.also()
			}
		}
	}
}

// lineTail passes on what a file grows by, to another file and line by line.
type lineTail struct {
	path, log string // log is "" for none
	line      func(string)
	offset    int64
	rest      []byte
}

// read passes on what is new; last also what has no end of line. What cannot
// be read now is read the next time.
func (t *lineTail) read(last bool) {
	f, err := os.Open(t.path)
	if err != nil {
		return
	}
	defer f.Close()
	text, err := io.ReadAll(io.NewSectionReader(f, t.offset, 1<<62))
	if err != nil || len(text) == 0 && !last {
		return
	}
	t.offset += int64(len(text))
	t.append(text)
	t.rest = append(t.rest, text...)
	for {
		line, rest, ok := bytes.Cut(t.rest, []byte("\n"))
		if !ok {
			break
		}
		t.rest = rest
		t.tell(line)
	}
	if last && len(t.rest) > 0 {
		t.tell(t.rest)
		t.rest = nil
	}
}

// tell passes a line on; of one that a program overwrites, its last state.
func (t *lineTail) tell(line []byte) {
	line = bytes.TrimRight(line, "\r")
	t.line(string(line[bytes.LastIndexByte(line, '\r')+1:]))
}

func (t *lineTail) append(text []byte) {
	if t.log == "" {
		return
	}
	f, err := os.OpenFile(t.log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return // the run's own log has it all
	}
	defer f.Close()
	_, _ = f.Write(text) // likewise
}

// succeeded runs a program that must end with status 0; what names it in the
// error.
func (p subprocess) succeeded(ctx context.Context, s *StepContext, what string) error {
	exit, err := p.run(ctx, s)
	if err != nil || exit.Code == 0 && exit.Signal == "" {
		return err
	}
	ended := fmt.Sprintf("the step %s: %s ended with status %d", s.Step.ID, what, exit.Code)
	if exit.Signal != "" {
		ended = fmt.Sprintf("the step %s: %s was ended by %s", s.Step.ID, what, exit.Signal)
	}
	problem, _ := diagnose(ctx, filepath.Join(s.Attempt.Dir, p.name, subprocessLog), ended, s.Settings.reading()...)
	if problem.Code == CodeTrainingFailed {
		problem.Code, problem.Remedy = CodeStep, "look at the step's log"
	}
	return problem
}
