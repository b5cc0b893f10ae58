package process

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// pollInterval is how often a process is looked at where the kernel cannot
// tell of its end by itself (before Linux 5.3).
const pollInterval = 200 * time.Millisecond

// Wait returns nil as soon as the process is gone, or the context's error.
// The process need not be a child of the caller.
func (id Identity) Wait(ctx context.Context) error {
	fd, err := unix.PidfdOpen(id.PID, unix.PIDFD_NONBLOCK)
	if err != nil {
		return id.poll(ctx)
	}
	handle := os.NewFile(uintptr(fd), "pidfd")
	defer handle.Close()
	if !id.Alive() {
		return nil
	}
	// A pidfd becomes readable when the process ends; the deadline is how a
	// cancelled context gets through to the poller.
	stop := context.AfterFunc(ctx, func() { _ = handle.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	conn, err := handle.SyscallConn()
	if err != nil {
		return id.poll(ctx)
	}
	err = conn.Read(func(fd uintptr) bool {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, 0)
		return err == nil && n > 0
	})
	if ctx.Err() != nil && id.Alive() {
		return ctx.Err()
	}
	if err != nil {
		return id.poll(ctx)
	}
	return nil
}

func (id Identity) poll(ctx context.Context) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for id.Alive() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}
