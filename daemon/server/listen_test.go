package server

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// place returns a path for a socket in a private directory.
func place(t *testing.T) string {
	dir, err := os.MkdirTemp("", "ftd")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "ftd.sock")
}

func TestAStaleSocketIsTakenOver(t *testing.T) {
	path := place(t)
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	require.NoError(t, err)
	stale.SetUnlinkOnClose(false)
	require.NoError(t, stale.Close())
	l, err := Listen(t.Context(), path, false)
	require.NoError(t, err)
	require.NoError(t, l.Close())
}

func TestOnlyADeadSocketIsEverRemoved(t *testing.T) {
	for name, put := range map[string]func(path string) error{
		"a file":          func(path string) error { return os.WriteFile(path, []byte("precious"), 0o600) },
		"a symbolic link": func(path string) error { return os.Symlink("elsewhere", path) },
		"a directory":     func(path string) error { return os.Mkdir(path, 0o700) },
		"a socket that answers": func(path string) error {
			l, err := net.Listen("unix", path)
			if err == nil {
				t.Cleanup(func() { l.Close() })
			}
			return err
		},
	} {
		path := place(t)
		require.NoError(t, put(path))
		before, err := os.Lstat(path)
		require.NoError(t, err)
		_, err = Listen(t.Context(), path, false)
		requireCode(t, err, api.CodeConflict)
		after, err := os.Lstat(path)
		require.NoError(t, err, name)
		require.True(t, os.SameFile(before, after), name)
	}
}

func TestASocketIsNotPutWhereOthersCouldReplaceIt(t *testing.T) {
	path := place(t)
	dir := filepath.Dir(path)
	require.NoError(t, os.Chmod(dir, 0o777))
	_, err := Listen(t.Context(), path, false)
	requireCode(t, err, api.CodeDenied)
	require.NoError(t, os.Chmod(dir, 0o777|os.ModeSticky))
	l, err := Listen(t.Context(), path, false)
	require.NoError(t, err, "as in /tmp")
	require.NoError(t, l.Close())

	link := dir + "-link"
	require.NoError(t, os.Symlink(dir, link))
	defer os.Remove(link)
	_, err = Listen(t.Context(), filepath.Join(link, "ftd.sock"), false)
	requireCode(t, err, api.CodeDenied)
}

func TestTheSocketsModeFollowsWhoMayUseIt(t *testing.T) {
	for open, want := range map[bool]os.FileMode{false: 0o600, true: 0o666} {
		path := place(t)
		l, err := Listen(t.Context(), path, open)
		require.NoError(t, err)
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, want, info.Mode().Perm())
		require.NoError(t, l.Close())
	}
}

// The group, and whether others may look, are settings that a restart in place
// takes over; the socket is an older one.
func TestAnInheritedSocketIsOpenedAndClosedAsTheSettingsSay(t *testing.T) {
	path := place(t)
	l, err := Listen(t.Context(), path, false)
	require.NoError(t, err)
	for _, open := range []bool{true, true, false} {
		l, err = Inherit(t.Context(), l.(*Socket).current(), open)
		require.NoError(t, err)
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, map[bool]os.FileMode{false: 0o600, true: 0o666}[open], info.Mode().Perm())
	}
	require.NoError(t, l.Close())
	require.NoFileExists(t, path)
}

func TestADirectoryThatKeepsOthersFromTheSocketIsFound(t *testing.T) {
	path := place(t)
	dir := filepath.Dir(path)
	below := filepath.Join(dir, "below", "ftd.sock")
	group := uint32(os.Getegid())
	other := group + 1
	require.NoError(t, os.Mkdir(filepath.Dir(below), 0o755))
	require.Equal(t, dir, Closed(below, nil), "mkdtemp makes it for its owner")
	require.NoError(t, os.Chmod(dir, 0o710))
	require.Equal(t, dir, Closed(path, &other))
	require.Empty(t, Closed(path, &group))
	require.NoError(t, os.Chmod(dir, 0o711))
	require.Empty(t, Closed(below, nil))
}

// Somebody tidies the directory up.
func TestARemovedSocketIsPutBack(t *testing.T) {
	for open, mode := range map[bool]os.FileMode{false: 0o600, true: 0o666} {
		path := place(t)
		l, err := Listen(t.Context(), path, open)
		require.NoError(t, err)
		s := l.(*Socket)
		heard, ended := make(chan string, 1), make(chan error, 1)
		go func() {
			for {
				c, err := s.Accept()
				if err != nil {
					ended <- err
					return
				}
				// The daemon's own look at who answers there says nothing.
				if word, _ := io.ReadAll(c); len(word) > 0 {
					heard <- string(word)
				}
				_ = c.Close()
			}
		}()
		back, err := s.Keep(t.Context())
		require.NoError(t, err)
		require.False(t, back)
		for _, remove := range []func() error{
			func() error { return os.Remove(path) },
			func() error { return os.RemoveAll(filepath.Dir(path)) },
		} {
			require.NoError(t, remove())
			back, err = s.Keep(t.Context())
			require.NoError(t, err)
			require.True(t, back)
			info, err := os.Lstat(path)
			require.NoError(t, err)
			require.Equal(t, mode, info.Mode().Perm())
			c, err := net.Dial("unix", path)
			require.NoError(t, err)
			_, err = c.Write([]byte("hello"))
			require.NoError(t, err)
			require.NoError(t, c.Close())
			require.Equal(t, "hello", <-heard)
		}
		require.NoError(t, s.Close())
		require.NoFileExists(t, path)
		require.ErrorIs(t, <-ended, net.ErrClosed)
	}
}

// What others put at the path is never replaced, nor removed at the end, even
// if it got the number of the file that was ours; when it is gone, the socket is
// put back.
func TestASocketGivesWayToWhatOthersPutInItsPlace(t *testing.T) {
	path := place(t)
	l, err := Listen(t.Context(), path, false)
	require.NoError(t, err)
	s := l.(*Socket)
	for name, put := range map[string]func() error{
		"a file": func() error { return os.WriteFile(path, []byte("precious"), 0o600) },
		"a socket without anybody": func() error {
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
			if err == nil {
				l.SetUnlinkOnClose(false)
				err = l.Close()
			}
			return err
		},
	} {
		require.NoError(t, os.Remove(path))
		require.NoError(t, put(), name)
		before, err := os.Lstat(path)
		require.NoError(t, err)
		for range 2 {
			back, err := s.Keep(t.Context())
			requireCode(t, err, api.CodeConflict)
			require.False(t, back)
		}
		after, err := os.Lstat(path)
		require.NoError(t, err)
		require.True(t, same(before, after), name)
		require.NoError(t, os.Remove(path))
		back, err := s.Keep(t.Context())
		require.NoError(t, err)
		require.True(t, back)
	}
	aside := path + ".aside"
	require.NoError(t, os.Rename(path, aside))
	require.NoError(t, os.WriteFile(path, []byte("precious"), 0o600))
	_, err = s.Keep(t.Context())
	requireCode(t, err, api.CodeConflict)
	require.NoError(t, os.Rename(aside, path))
	back, err := s.Keep(t.Context())
	require.NoError(t, err, "it is there again by itself")
	require.False(t, back)
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.WriteFile(path, []byte("precious"), 0o600))
	require.NoError(t, s.Close())
	require.FileExists(t, path)
}
