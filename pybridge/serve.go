//go:build python

package pybridge

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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
	header := c.encoded
	if l.report >= 0 {
		c.header.ProgressFD = l.report
		if header, err = json.Marshal(c.header); err != nil {
			return answer{err: err}
		}
	}
	if err := in.thread.streams.redirect(l.out); err != nil {
		return answer{err: err}
	}
	if in.guard.pending() { // one that came between calls is nobody's
		in.guard.takeSignal()
		in.guard.takeExit()
	}
	a := in.thread.serve(c.info.ID, header, c.args)
	if err := in.thread.streams.restore(); err != nil && a.err == nil {
		a.err = err
	}
	if in.guard.pending() {
		if sig := in.guard.takeSignal(); sig != 0 {
			a = answer{err: &SignalError{Signal: sig}}
		}
		if status, tried := in.guard.takeExit(); tried {
			a = answer{err: &EndError{Status: status}}
		}
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
	a := in.thread.serve(c.info.ID, c.encoded, c.args)
	flushStreams()
	return a
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
