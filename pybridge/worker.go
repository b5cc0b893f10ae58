//go:build python

package pybridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// workerArgument makes this binary a worker.
const workerArgument = "pybridge-worker"

// workerReport is the descriptor of a worker's messages.
const workerReport = 3

// Worker is Call in a process of its own: this binary, started again. It may
// fork and hold a card, ends at once when ctx does, and its death is a
// [*WorkerError].
func (in *Interpreter) Worker(ctx context.Context, r Request) (json.RawMessage, error) {
	return in.isolate(ctx, r.header(), r.Args, r.Surroundings).call()
}

// WorkerScript is RunScript in a process of its own.
func (in *Interpreter) WorkerScript(ctx context.Context, s Script) (int, error) {
	return in.isolate(ctx, s.header(), nil, s.Surroundings).script()
}

func (in *Interpreter) isolate(ctx context.Context, h header, args []byte, s Surroundings) answer {
	if err := context.Cause(ctx); err != nil {
		return answer{err: err}
	}
	in.workers.Add(1)
	defer in.workers.Add(-1)
	l, err := listen(s, true)
	if err != nil {
		return answer{err: err}
	}
	defer l.finish()
	from := l.written()

	h.ProgressFD = -1
	if s.Progress != nil {
		h.ProgressFD = workerReport
	}
	w, err := in.startWorker(ctx, l, order{
		Config:   in.config,
		Probed:   in.probed,
		Settings: settings{Worker: true, Device: s.Device},
		Header:   h,
		Args:     args,
	}, s.Env)
	if err != nil {
		return answer{err: fmt.Errorf("the worker cannot be started: %w", err)}
	}
	state := w.wait()
	// What the worker left running may still hold the pipe.
	_ = l.pipe.SetReadDeadline(time.Now().Add(time.Second))
	<-l.messages

	switch {
	case l.failure != "":
		return answer{err: errors.New(l.failure)}
	case l.answer != "":
		return decodeAnswer([]byte(l.answer))
	case ctx.Err() != nil:
		return answer{err: context.Cause(ctx)}
	default:
		return answer{err: workerDeath(state, l.lastOutput(from))}
	}
}

// worker is a running worker process.
type worker struct {
	cmd   *exec.Cmd
	leash *os.File
}

// startWorker starts the process and hands it its order. The end of its
// standard input, which comes when this process dies too, ends it.
func (in *Interpreter) startWorker(ctx context.Context, l *listener, o order, env map[string]string) (*worker, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	stdin, leash, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer stdin.Close()
	report := os.NewFile(uintptr(l.report), "report")
	l.report = -1
	defer report.Close()

	cmd := exec.CommandContext(ctx, "/proc/self/exe", workerArgument) // also after an upgrade replaced the file
	cmd.Args[0] = "ftd-worker"
	w := &worker{cmd: cmd, leash: leash}
	cmd.Cancel = w.kill
	cmd.Env = overlaid(os.Environ(), env)
	cmd.Stdin = stdin
	if l.out != nil {
		cmd.Stdout, cmd.Stderr = l.out, l.out
	}
	cmd.ExtraFiles = []*os.File{report}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		leash.Close()
		return nil, err
	}
	if _, err := leash.Write(append(text, '\n')); err != nil {
		_ = w.kill()
		w.wait()
		return nil, err
	}
	return w, nil
}

// kill ends the worker and all that it started.
func (w *worker) kill() error {
	return syscall.Kill(-w.cmd.Process.Pid, syscall.SIGKILL)
}

// wait waits for the end of the worker and ends what it left running. The
// worker is reaped last: until then its number is nobody else's.
func (w *worker) wait() *os.ProcessState {
	for {
		err := unix.Waitid(unix.P_PID, w.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			break
		}
	}
	_ = w.kill()     // there may be nothing left
	_ = w.cmd.Wait() // its state says the same
	w.leash.Close()
	return w.cmd.ProcessState
}

// workerDeath describes the end of a worker that gave no answer.
func workerDeath(state *os.ProcessState, output string) *WorkerError {
	e := &WorkerError{Code: state.ExitCode()}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		e.Signal = status.Signal()
		e.Code = 128 + int(e.Signal)
	}
	if i := strings.LastIndex(output, "Fatal Python error:"); i >= 0 {
		e.Stack = output[i:]
		output = output[:i]
	}
	output = strings.TrimSpace(strings.ToValidUTF8(output, "\uFFFD"))
	if output != "" {
		lines := strings.Split(output, "\n")
		e.Output = lines[max(0, len(lines)-20):]
	}
	return e
}

// overlaid returns env with entries replaced, not repeated.
func overlaid(env []string, with map[string]string) []string {
	for _, name := range slices.Sorted(maps.Keys(with)) {
		env = append(without(env, name), name+"="+with[name])
	}
	return env
}
