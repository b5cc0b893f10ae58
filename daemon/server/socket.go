package server

import (
	"net"
	"os"
	"sync"
)

// Socket is a Unix socket that a daemon listens on. When it is closed its path
// is removed, but only if it is still this socket: somebody may have removed it
// and put another daemon's there.
type Socket struct {
	*net.UnixListener
	path string

	mu  sync.Mutex
	own os.FileInfo // nil if it is not to be removed
}

// Own makes a Socket of a listener that is at its path.
func Own(l *net.UnixListener) *Socket {
	l.SetUnlinkOnClose(false)
	s := &Socket{UnixListener: l, path: l.Addr().String()}
	if info, err := os.Lstat(s.path); err == nil {
		s.own = info
	}
	return s
}

// SetUnlinkOnClose says whether the path is removed: not if another process
// listens on.
func (s *Socket) SetUnlinkOnClose(remove bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !remove {
		s.own = nil
	}
}

func (s *Socket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.own != nil {
		if now, err := os.Lstat(s.path); err == nil && os.SameFile(now, s.own) {
			_ = os.Remove(s.path) // else the next daemon does, for nobody answers there
		}
		s.own = nil
	}
	return s.UnixListener.Close()
}
