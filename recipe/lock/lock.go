// Package lock keeps two jobs from making the same thing at once: who comes
// second waits, and finds it made. A lock is a file beside the thing, so that
// it also holds between two daemons and ends with the process that has it.
package lock

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// pause is how often it is looked whether the lock is free: flock(2) itself
// could not be interrupted.
const pause = time.Second

// Lock is a lock that is held.
type Lock struct{ file *os.File }

// Take waits until nobody else holds the lock of that file, which it makes, and
// its directory too. waiting is called once if it has to wait.
func Take(ctx context.Context, path string, waiting func()) (Lock, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return Lock{}, err
	}
	for told := false; ; {
		l, err := try(path)
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return l, err
		}
		if !told {
			told = true
			waiting()
		}
		select {
		case <-ctx.Done():
			return Lock{}, context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

func try(path string) (Lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return Lock{}, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil && !isStill(f, path) { // whoever held it has removed it meanwhile
		err = unix.EWOULDBLOCK
	}
	if err != nil {
		f.Close()
		return Lock{}, err
	}
	return Lock{f}, nil
}

// isStill says whether f is the file that is called path.
func isStill(f *os.File, path string) bool {
	ours, err := f.Stat()
	there, thereErr := os.Stat(path)
	return err == nil && thereErr == nil && os.SameFile(ours, there)
}

// Release leaves nothing behind. The file goes before the lock does: nobody may
// get a lock on one that is about to go.
func (l Lock) Release() {
	os.Remove(l.file.Name())
	l.file.Close()
}
