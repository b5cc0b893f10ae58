// Package turn lets processes of one machine take turns at a directory: at
// putting a socket there, at starting a daemon on it.
package turn

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// pause is how often it is looked whether it is our turn: flock(2) itself could
// not be told to stop waiting.
const pause = 10 * time.Millisecond

// Take waits until no other process has its turn at a directory, or ctx ends.
// The turn lasts until it is closed, or this process ends. On a filesystem that
// knows no locks nobody waits, and it may go wrong, rarely.
func Take(ctx context.Context, dir string) (io.Closer, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(d.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return d, nil
		}
		select {
		case <-ctx.Done():
			d.Close()
			return nil, context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}
