//go:build python

package pybridge

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// IsWorker tells whether this process was started as a worker. A main function
// asks before it does anything else.
func IsWorker() bool {
	return len(os.Args) == 2 && os.Args[1] == workerArgument
}

// WorkerMain is the main function of a worker: one call, then the end. It
// returns the exit status.
func WorkerMain() int {
	unix.CloseOnExec(workerReport)
	report := os.NewFile(workerReport, "report")
	m := message{}
	a, err := workerCall()
	if err != nil {
		m.Failure = err.Error()
	} else {
		m.Answer = a
	}
	line, err := json.Marshal(m)
	if err != nil {
		return 1
	}
	if _, err := report.Write(append(line, '\n')); err != nil {
		return 1
	}
	// Never finalised: the process just ends.
	return 0
}

func workerCall() (string, error) {
	leash, err := takeLeash()
	if err != nil {
		return "", fmt.Errorf("worker: %w", err)
	}
	var o order
	in := json.NewDecoder(leash)
	if err := in.Decode(&o); err != nil {
		return "", fmt.Errorf("worker: unreadable order: %w", err)
	}
	go func() {
		// Its end is the end of the daemon, or the wish of it.
		_, _ = io.Copy(io.Discard, leash)
		_ = syscall.Kill(0, syscall.SIGKILL)
	}()
	interpreter, err := boot(o.Config, o.Probed, o.Settings)
	if err != nil {
		return "", err
	}
	c := &call{
		header:   o.Header,
		args:     string(o.Args),
		inherits: true,
		info:     CallInfo{What: o.Header.what(), Queued: time.Now()},
		finished: make(chan struct{}),
	}
	if err := c.encode(); err != nil {
		return "", err
	}
	if err := interpreter.push(c); err != nil {
		return "", err
	}
	<-c.finished
	return c.answer.encode()
}

// takeLeash moves standard input out of the way of Python code, which finds
// nothing there instead.
func takeLeash() (*os.File, error) {
	fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 10)
	if err != nil {
		return nil, err
	}
	null, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(null) }()
	if err := unix.Dup3(null, 0, 0); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "leash"), nil
}
