//go:build python

package pybridge

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	python3 "github.com/go-python/cpy3"
)

// serve runs one call on the interpreter's thread: its surroundings are set
// up, it runs, and everything is put back whatever happened.
func (in *Interpreter) serve(c *call) answer {
	if c.inherits {
		return in.serveInherited(c)
	}
	l, err := listen(c.surroundings, false)
	if err != nil {
		return answer{err: err}
	}
	defer l.finish()
	c.listener.Store(l)
	c.header.ProgressFD = l.report
	header, err := json.Marshal(c.header)
	if err != nil {
		return answer{err: err}
	}
	if err := in.thread.streams.redirect(l.out); err != nil {
		return answer{err: err}
	}
	in.guard.takeSignal() // one that came between calls is nobody's
	a := in.thread.serve(c, string(header))
	if err := in.thread.streams.restore(); err != nil && a.err == nil {
		a.err = err
	}
	if sig := in.guard.takeSignal(); sig != 0 {
		a = answer{err: &SignalError{Signal: sig}}
	}
	// A look at every signal and descriptor costs more than a small call:
	// it is made for steps, which have a log, and not for queries.
	if c.surroundings.LogFile != "" {
		in.guard.repair()
		open := openDevices(in.config.devices())
		in.mu.Lock()
		in.holdsDevice = len(open) > 0
		in.mu.Unlock()
		if len(open) > 0 && a.err == nil {
			a = answer{err: &DeviceError{Paths: open}}
		}
	}
	return a
}

// serveInherited runs the one call of a worker.
func (in *Interpreter) serveInherited(c *call) answer {
	header, err := json.Marshal(c.header)
	if err != nil {
		return answer{err: err}
	}
	a := in.thread.serve(c, string(header))
	flushStreams()
	return a
}

// serve does the part that needs the GIL.
func (t *thread) serve(c *call, header string) answer {
	python3.PyEval_RestoreThread(t.saved)
	defer func() { t.saved = python3.PyEval_SaveThread() }()
	a := t.enterAndRun(c, header)
	if result := t.leave.CallFunctionObjArgs(); result != nil {
		result.DecRef()
	} else if err := pendingError(); a.err == nil {
		a = answer{err: err}
	}
	return a
}

func (t *thread) enterAndRun(c *call, header string) answer {
	problem, err := callBytes(t.enter, header)
	if err != nil {
		return answer{err: err}
	}
	if problem != "" {
		return answer{err: decodePyError([]byte(problem))}
	}
	t.setRunning(c)
	text, err := callBytes(t.run, c.args)
	t.setRunning(nil)
	if err != nil {
		return answer{err: err}
	}
	return decodeAnswer(text)
}

// openDevices returns the files below prefix that this process has open.
func openDevices(prefix string) []string {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil
	}
	var open []string
	for _, entry := range entries {
		if _, err := strconv.Atoi(entry.Name()); err != nil {
			continue
		}
		target, err := os.Readlink(filepath.Join("/proc/self/fd", entry.Name()))
		if err == nil && strings.HasPrefix(target, prefix) {
			open = append(open, target)
		}
	}
	return open
}
