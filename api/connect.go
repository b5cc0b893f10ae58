package api

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"strings"
	"syscall"
	"time"
)

// retryEvery is the time between two looks for a daemon that is starting.
const retryEvery = 50 * time.Millisecond

// crowdWithin is how long a client waits for a place in the queue of a daemon
// that others flood.
const crowdWithin = 5 * time.Second

// connect opens a connection to the first socket that answers, waiting up to
// c.Wait for one to do so.
func (c *Client) connect(ctx context.Context) (net.Conn, error) {
	paths := c.sockets()
	began := time.Now()
	for {
		conn, err := dialFirst(ctx, paths)
		if err == nil {
			return conn, nil
		}
		deadline := began.Add(c.Wait)
		if errors.Is(err, syscall.EAGAIN) { // it is there, and so many others are that its queue is full
			deadline = began.Add(max(c.Wait, crowdWithin))
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if errors.Is(err, fs.ErrPermission) || time.Now().After(deadline) {
			return nil, unreachable(paths, err)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(retryEvery):
		}
	}
}

// sockets is where to look for the daemon.
func (c *Client) sockets() []string {
	if c.Socket != "" {
		return []string{c.Socket}
	}
	return Sockets()
}

// dialFirst returns the first connection, or else the error that says most:
// a socket that is there and refuses tells more than one that is missing.
func dialFirst(ctx context.Context, paths []string) (net.Conn, error) {
	var worst error
	for _, path := range paths {
		conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
		if err == nil {
			return conn, nil
		}
		if worst == nil || errors.Is(worst, fs.ErrNotExist) {
			worst = err
		}
	}
	return nil, worst
}

func unreachable(paths []string, err error) *Error {
	where := strings.Join(paths, ", ")
	if errors.Is(err, fs.ErrPermission) {
		return Errorf(CodeDenied, "you may not use the daemon's socket %s", where).
			WithRemedy("ask its owner to name a group you are in with `group` in the settings of ftd")
	}
	const remedy = "start it with `ftctl up`"
	if errors.Is(err, fs.ErrNotExist) {
		return Errorf(CodeUnreachable, "no daemon is running: there is no socket at %s", where).
			WithRemedy("%s, or name its socket with FTD_SOCKET", remedy)
	}
	return Errorf(CodeUnreachable, "no daemon answers at %s: %v", where, err).WithRemedy("%s", remedy)
}
