package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// A daemon that hangs, or that somebody has suspended, still takes connections:
// the kernel does. So an answer that stays away is not waited for blindly. After
// a silence the daemon is asked, on a connection of its own, who it is, which it
// answers without waiting for anything. Work that takes long, such as a call
// into Python, is waited for as long as that is answered.
const (
	// silence is how long an answer may take to begin before the daemon is asked.
	silence = 3 * time.Second
	// quiet is how long nothing may come of an answer that has begun.
	quiet = 10 * time.Second
	// pulseWithin is how long it may take to say who it is: machines that train
	// are busy. One that is suspended is told from those sooner.
	pulseWithin    = 10 * time.Second
	suspendedAfter = time.Second
)

// pulse watches over one answer.
type pulse struct {
	client *Client
	ctx    context.Context //nolint:containedctx // of the request
	cancel context.CancelCauseFunc
	begun  atomic.Bool // the answer has begun
	heard  atomic.Bool // something came since the last look
}

// listen returns the context for a request, and what watches over it. The caller
// ends it with stop.
func (c *Client) listen(ctx context.Context) *pulse {
	p := &pulse{client: c}
	p.ctx, p.cancel = context.WithCancelCause(ctx)
	go p.watch()
	return p
}

func (p *pulse) stop() { p.cancel(nil) }

// watch ends the request if the daemon is silent to others too.
func (p *pulse) watch() {
	look := time.NewTimer(silence)
	defer look.Stop()
	for {
		select {
		case <-p.ctx.Done():
			return
		case <-look.C:
		}
		if !p.heard.Swap(false) {
			if err := p.client.knock(p.ctx); err != nil {
				p.cancel(err)
				return
			}
		}
		if p.begun.Load() {
			look.Reset(quiet)
		} else {
			look.Reset(silence)
		}
	}
}

// answered says that the answer has begun.
func (p *pulse) answered() {
	p.begun.Store(true)
	p.heard.Store(true)
}

// silent is the error of a daemon that did not answer, nil if that was not it.
func (p *pulse) silent() *Error {
	var e *Error
	_ = errors.As(context.Cause(p.ctx), &e)
	return e
}

// watched is the body of an answer, watched over until it is closed.
type watched struct {
	io.ReadCloser
	pulse *pulse
}

func (w watched) Read(b []byte) (int, error) {
	n, err := w.ReadCloser.Read(b)
	w.pulse.heard.Store(true)
	if err != nil && !errors.Is(err, io.EOF) {
		if e := w.pulse.silent(); e != nil {
			return n, e
		}
	}
	return n, err
}

func (w watched) Close() error {
	w.pulse.stop()
	return w.ReadCloser.Close()
}

// knock asks the daemon who it is and returns an error if it does not say so in
// time. A daemon that is gone is no error here: the request will notice.
func (c *Client) knock(ctx context.Context) error {
	conn, err := dialFirst(ctx, c.sockets())
	if err != nil {
		return nil
	}
	defer conn.Close()
	pid := listener(conn)
	if _, err := io.WriteString(conn, "GET /v1/version HTTP/1.1\r\nHost: ftd\r\nConnection: close\r\n\r\n"); err != nil {
		return nil
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	began := time.Now()
	for _, within := range []time.Duration{suspendedAfter, pulseWithin} {
		_ = conn.SetReadDeadline(began.Add(within))
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		if suspended(pid) {
			break
		}
	}
	return hangs(conn.RemoteAddr().String(), pid)
}

// hangs is the error of a daemon that takes connections and says nothing.
func hangs(path string, pid int) *Error {
	if pid == 0 {
		return Errorf(CodeHangs, "the daemon at %s takes connections and does not answer", path).
			WithRemedy("trainings go on without it; see its log, and restart it if it stays so")
	}
	if suspended(pid) {
		return Errorf(CodeHangs, "the daemon (pid %d) is suspended, so it does not answer", pid).
			WithRemedy("let it go on: kill -CONT %d; trainings go on without it", pid)
	}
	return Errorf(CodeHangs, "the daemon (pid %d) takes connections and does not answer", pid).
		WithRemedy("trainings go on without it; see its log, and if it stays so end it with kill -9 %d and start it again: ftctl up", pid)
}

// listener is the pid of the daemon that listens at the other end, 0 if it
// cannot be told: with socket activation it is the service manager's.
func listener(conn net.Conn) (pid int) {
	unix, ok := conn.(*net.UnixConn)
	if !ok {
		return 0
	}
	raw, err := unix.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		if cred, err := syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED); err == nil {
			pid = int(cred.Pid)
		}
	})
	if name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); pid <= 1 || strings.HasPrefix(string(name), "systemd") {
		return 0
	}
	return pid
}

// suspended says whether a process was stopped by a signal.
func suspended(pid int) bool {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return strings.Contains(string(status), "\nState:\tT")
}
