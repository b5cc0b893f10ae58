package server

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"ftd/api"
)

// Socket is a Unix socket that a daemon listens on, at a path that anybody who
// may write to its directory can remove, or put another daemon's socket at. So
// it is looked after: [Socket.Keep] puts it back, and Close removes the path
// only if it is still this socket.
type Socket struct {
	path string
	open bool // see Listen

	mu       sync.Mutex
	listener *net.UnixListener
	own      os.FileInfo // nil if it is not to be removed
	closed   bool
}

// Own makes a Socket of a listener that is at its path.
func Own(ctx context.Context, l *net.UnixListener, open bool) *Socket {
	l.SetUnlinkOnClose(false)
	s := &Socket{path: l.Addr().String(), open: open, listener: l}
	if info, err := os.Lstat(s.path); err == nil && s.answers(ctx) {
		s.own = info
	}
	return s
}

// Accept goes on at the socket that was put back.
func (s *Socket) Accept() (net.Conn, error) {
	for {
		l := s.current()
		c, err := l.Accept()
		if err == nil || l == s.current() {
			return c, err
		}
	}
}

func (s *Socket) current() *net.UnixListener {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listener
}

// Addr is the socket's path.
func (s *Socket) Addr() net.Addr { return &net.UnixAddr{Name: s.path, Net: "unix"} }

// SyscallConn is for who hands the socket over.
func (s *Socket) SyscallConn() (syscall.RawConn, error) { return s.current().SyscallConn() }

// SetUnlinkOnClose says whether the path is removed: not if another process
// listens on.
func (s *Socket) SetUnlinkOnClose(remove bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !remove {
		s.own = nil
	}
}

// Close ends it.
func (s *Socket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.own != nil {
		if now, err := os.Lstat(s.path); err == nil && same(now, s.own) {
			_ = os.Remove(s.path) // else the next daemon does, for nobody answers there
		}
		s.own = nil
	}
	s.closed = true
	return s.listener.Close()
}

// Keep listens anew, and says so, if the socket is gone from its path. What
// somebody else has put there is left alone.
func (s *Socket) Keep(ctx context.Context) (back bool, err error) {
	now, err := os.Lstat(s.path)
	switch {
	case err == nil && s.is(ctx, now):
		return false, nil
	case err == nil:
		return false, api.Errorf(api.CodeConflict, "%s is not this daemon's socket any more: somebody has put something else there", s.path).
			WithRemedy("remove that, and this daemon puts its socket back")
	case !errors.Is(err, fs.ErrNotExist):
		return false, api.Errorf(api.CodeConflict, "the daemon's socket cannot be looked at: %v", err).
			WithRemedy("open its directory to the daemon")
	}
	l, err := listen(ctx, s.path, s.open)
	if err != nil {
		return false, err
	}
	fresh := Own(ctx, l, s.open)
	if err := fresh.admit(); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false, fresh.Close()
	}
	left := s.listener
	s.listener, s.own = fresh.listener, fresh.own
	return true, left.Close() // nobody finds it any more
}

// is says whether what is at the path is this socket.
func (s *Socket) is(ctx context.Context, now os.FileInfo) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.own != nil && same(now, s.own) {
		return true
	}
	if !s.answers(ctx) {
		s.own = nil
		return false
	}
	s.own = now // touched, or moved away and back
	return true
}

// same is os.SameFile for files of which one may be gone: its number is given
// to the next file at once.
func same(a, b os.FileInfo) bool { return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) }

// answers says whether it is this process that listens at the path. Where that
// cannot be told, as when too many wait to be let in, it is believed.
func (s *Socket) answers(ctx context.Context) bool {
	c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", s.path)
	if err != nil {
		return errors.Is(err, unix.EAGAIN)
	}
	defer c.Close()
	raw, err := c.(*net.UnixConn).SyscallConn()
	if err != nil {
		return true
	}
	ours := true
	_ = raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			ours = int(cred.Pid) == os.Getpid()
		}
	})
	return ours
}

// admit gives the path the mode that says who may connect.
func (s *Socket) admit() error {
	mode := os.FileMode(0o600)
	if s.open {
		mode = 0o666
	}
	if s.own == nil || s.own.Mode().Type() != fs.ModeSocket || s.own.Mode().Perm() == mode {
		return nil
	}
	if err := os.Chmod(s.path, mode); err != nil {
		_ = s.Close()
		return err
	}
	return nil
}
