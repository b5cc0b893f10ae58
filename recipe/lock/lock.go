// Package lock lets processes, and jobs of one process, wait for each other: who
// comes second finds made what the first has made. [File] is for a thing that is
// made, by a file beside it; [Directory] is for a short turn at a directory. Both
// end with the process that has them. On a filesystem that knows no locks nobody
// waits, and it may go wrong, rarely.
package lock

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// How often it is looked whether a lock is free: flock(2) itself could not be
// told to stop waiting.
const (
	filePause      = time.Second // for what may take hours
	directoryPause = 10 * time.Millisecond
)

// File waits until nobody else holds the lock of that file, which it makes, and
// its directory too; release leaves nothing behind. waiting is called once if it
// has to wait.
func File(ctx context.Context, path string, waiting func()) (release func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := take(ctx, filePause, waiting, func() (*os.File, error) {
		f, err := try(os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600))
		if err == nil && !isStill(f, path) { // whoever held it has removed it meanwhile
			f.Close()
			return nil, unix.EWOULDBLOCK
		}
		return f, err
	})
	if err != nil {
		return nil, err
	}
	return func() {
		// The file goes before the lock does: nobody may get a lock on one that is
		// about to go.
		os.Remove(path)
		f.Close()
	}, nil
}

// Directory waits until no other process has its turn at a directory: at putting
// a socket there, at starting a daemon on it.
func Directory(ctx context.Context, dir string) (release func(), err error) {
	f, err := take(ctx, directoryPause, func() {}, func() (*os.File, error) { return try(os.Open(dir)) })
	if err != nil {
		return nil, err
	}
	return func() { f.Close() }, nil
}

// take tries until somebody else has given it back, or ctx ends.
func take(ctx context.Context, pause time.Duration, waiting func(), try func() (*os.File, error)) (*os.File, error) {
	for told := false; ; told = true {
		f, err := try()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return f, err
		}
		if !told {
			waiting()
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

// try locks an open file; EWOULDBLOCK says that somebody else has.
func try(f *os.File, err error) (*os.File, error) {
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		f.Close()
		return nil, err
	}
	return f, nil // locked, or on a filesystem that knows no locks
}

// isStill says whether f is the file that is called path.
func isStill(f *os.File, path string) bool {
	ours, err := f.Stat()
	there, thereErr := os.Stat(path)
	return err == nil && thereErr == nil && os.SameFile(ours, there)
}
