package api

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
	"time"
)

// retryEvery is the time between two looks for a daemon that is starting.
const retryEvery = 50 * time.Millisecond

// connect opens a connection to the first socket that answers, waiting up to
// c.Wait for one to do so.
func (c *Client) connect(ctx context.Context) (net.Conn, error) {
	paths := Sockets()
	if c.Socket != "" {
		paths = []string{c.Socket}
	}
	deadline := time.Now().Add(c.Wait)
	for {
		conn, err := dialFirst(ctx, paths)
		if err == nil {
			return conn, nil
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
	where := strings.Join(paths, " and ")
	if errors.Is(err, fs.ErrPermission) {
		return Errorf(CodeDenied, "you may not use the daemon's socket %s", where).
			WithRemedy("ask its owner to name a group you are in with `group` in the settings of ftd")
	}
	remedy := "start it with `ftd &`"
	if _, missing := os.Stat("/run/systemd/system"); missing == nil {
		remedy = "start it with `systemctl start ftd` (the system service), `systemctl --user start ftd` or `ftd &`"
	}
	if errors.Is(err, fs.ErrNotExist) {
		return Errorf(CodeUnreachable, "no daemon is running: there is no socket at %s", where).
			WithRemedy("%s, or name its socket with FTD_SOCKET", remedy)
	}
	return Errorf(CodeUnreachable, "no daemon answers at %s: %v", where, err).WithRemedy("%s", remedy)
}
