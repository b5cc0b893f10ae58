package server

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"ftd/api"
	"ftd/recipe/lock"
)

// Listen listens on a Unix socket. open lets every user of the machine
// connect, because the peer's credentials are checked for each request anyway;
// otherwise only the owner and root get as far as that.
//
// What is in the way is removed only if it is a socket on which nobody answers.
// Two daemons that start at the same moment could both find that, and the one
// remove what the other has put there: so they take turns.
func Listen(ctx context.Context, path string, open bool) (net.Listener, error) {
	l, err := listen(ctx, path, open)
	if err != nil {
		return nil, err
	}
	return Inherit(ctx, l, open)
}

func listen(ctx context.Context, path string, open bool) (*net.UnixListener, error) {
	if err := prepareDirectory(filepath.Dir(path), open); err != nil {
		return nil, err
	}
	endTurn, err := takeTurn(ctx, filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer endTurn()
	if err := takeOver(ctx, path); err != nil {
		return nil, err
	}
	// The socket must never be there with a wider mode than it is to have. Its
	// file gets the mode that the socket has when it is bound; the umask is all
	// the process's, and directories may be made at this moment.
	narrow := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) { failed = unix.Fchmod(int(fd), 0o600) })
		return errors.Join(err, failed)
	}}
	l, err := narrow.Listen(ctx, "unix", path)
	if err != nil {
		return nil, api.Errorf(api.CodeSettings, "the daemon cannot listen on %s: %v", path, err).
			WithRemedy("choose another socket with --socket or FTD_SOCKET")
	}
	return l.(*net.UnixListener), nil
}

// Inherit takes over a listener that the daemon before this one has left. Whom
// its path lets in may have changed with the settings.
func Inherit(ctx context.Context, l net.Listener, open bool) (net.Listener, error) {
	s := Own(ctx, l.(*net.UnixListener), open)
	if err := s.admit(); err != nil {
		return nil, err
	}
	return s, nil
}

// Closed returns a directory above the socket that others cannot go through,
// nor the group, if there is one; "" if there is none.
func Closed(path string, group *uint32) string {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		var st unix.Stat_t
		if err := unix.Stat(dir, &st); err == nil && st.Mode&0o001 == 0 && (group == nil || st.Gid != *group || st.Mode&0o010 == 0) {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

// turnWithin is how long another daemon may take to put its socket there.
const turnWithin = 2 * time.Second

// takeTurn makes another daemon that is about to listen in the directory wait.
// In one such as /tmp anybody could keep us waiting, so it is not for long.
func takeTurn(ctx context.Context, dir string) (end func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, turnWithin)
	defer cancel()
	end, err = lock.Directory(ctx, dir)
	if err != nil && ctx.Err() != nil {
		return func() {}, nil
	}
	return end, err
}

// prepareDirectory makes the socket's directory, and refuses one in which
// others could put a socket of theirs in the place of ours.
func prepareDirectory(dir string, open bool) error {
	mode := os.FileMode(0o700)
	if open {
		mode = 0o755
	}
	if err := os.MkdirAll(dir, mode); err != nil {
		return api.Errorf(api.CodeSettings, "the socket's directory cannot be made: %v", err).
			WithRemedy("choose another socket with --socket or FTD_SOCKET")
	}
	var st unix.Stat_t
	if err := unix.Lstat(dir, &st); err != nil {
		return err
	}
	refused := func(why string) error {
		return api.Errorf(api.CodeDenied, "the daemon does not put its socket into %s: %s", dir, why).
			WithRemedy("choose another socket with --socket or FTD_SOCKET")
	}
	switch {
	case st.Mode&unix.S_IFMT == unix.S_IFLNK:
		return refused("it is a symbolic link, which somebody may turn elsewhere")
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		return refused("it is not a directory")
	case st.Uid != uint32(os.Geteuid()) && st.Uid != 0:
		return refused("it belongs to another user")
	case st.Mode&0o022 != 0 && st.Mode&unix.S_ISVTX == 0:
		return refused("other users may write there")
	}
	return nil
}

// takeOver removes a socket that a daemon left behind.
func takeOver(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return api.Errorf(api.CodeConflict, "%s is in the way: it is not a socket", path).
			WithRemedy("move it away, or choose another socket with --socket or FTD_SOCKET")
	}
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", path)
	if err == nil {
		conn.Close()
		return api.Errorf(api.CodeConflict, "another daemon answers on %s", path).
			WithRemedy("use that one, stop it, or choose another socket with --socket or FTD_SOCKET")
	}
	if !errors.Is(err, unix.ECONNREFUSED) {
		return api.Errorf(api.CodeConflict, "%s is in the way: %v", path, err).
			WithRemedy("move it away, or choose another socket with --socket or FTD_SOCKET")
	}
	return os.Remove(path)
}
