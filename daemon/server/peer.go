package server

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"ftd/api"
	"ftd/daemon/visitors"
)

// peer is who sits at the other end of a connection, as the kernel says.
type peer struct {
	uid    uint32
	groups []uint32
}

// client is a connection and who sits at its other end.
type client struct {
	visitor *visitors.Visitor
	peer    *peer // nil if the kernel does not say
}

type clientKey struct{}

// withClient asks the kernel once for each connection. A peer that cannot be
// told gets no credentials, and with that no permission.
func withClient(ctx context.Context, conn net.Conn) context.Context {
	c := &client{}
	c.visitor, _ = conn.(*visitors.Visitor)
	if p, err := credentials(conn); err == nil {
		c.peer = p
	}
	return context.WithValue(ctx, clientKey{}, c)
}

// clientOf is never nil: who did not come through the door is nobody.
func clientOf(r *http.Request) *client {
	if c, ok := r.Context().Value(clientKey{}).(*client); ok {
		return c
	}
	return &client{}
}

// serving says that a request is worked on until done is called.
func (c *client) serving() (done func()) {
	if c.visitor == nil {
		return func() {}
	}
	return c.visitor.Serving()
}

// awaited calls what waits for the client meanwhile.
func (c *client) awaited(wait func()) {
	if c.visitor == nil {
		wait()
		return
	}
	c.visitor.Awaited(wait)
}

func credentials(c net.Conn) (*peer, error) {
	unixConn, ok := c.(syscall.Conn)
	if !ok {
		return nil, fmt.Errorf("%T has no credentials", c)
	}
	raw, err := unixConn.SyscallConn()
	if err != nil {
		return nil, err
	}
	var p *peer
	var failed error
	err = raw.Control(func(fd uintptr) {
		cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		if err != nil {
			failed = err
			return
		}
		p = &peer{uid: cred.Uid, groups: append(peerGroups(fd), cred.Gid)}
	})
	if err == nil {
		err = failed
	}
	return p, err
}

// peerGroups returns the supplementary groups the peer had when it connected.
// x/sys has no wrapper for the option; a kernel older than 4.13 does not know
// it, and there only the primary group counts.
func peerGroups(fd uintptr) []uint32 {
	groups := make([]uint32, 1024)
	size := uint32(len(groups) * 4)
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_PEERGROUPS,
		uintptr(unsafe.Pointer(&groups[0])), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return nil
	}
	return groups[:size/4]
}

// permission is what a route needs.
type permission int

const (
	toRead permission = iota + 1
	toChange
)

// Access says who may do what. The owner and root may do everything.
type Access struct {
	Owner uint32
	// Group, if not nil, may do everything too.
	Group *uint32
	// ReadForOthers lets everybody look.
	ReadForOthers bool
}

// check returns why p may not do what needs that permission, nil if it may.
func (a Access) check(p *peer, need permission) *api.Error {
	switch {
	case p == nil:
		return api.Errorf(api.CodeDenied, "the kernel does not say who you are")
	case p.uid == a.Owner, p.uid == 0:
		return nil
	case a.Group != nil && slices.Contains(p.groups, *a.Group):
		return nil
	case a.ReadForOthers && need == toRead:
		return nil
	case a.ReadForOthers:
		return api.Errorf(api.CodeDenied, "you (user %d) may look at this daemon's jobs, but not change anything", p.uid).
			WithRemedy("ask its owner to name a group you are in with `group` in the settings of ftd")
	}
	return api.Errorf(api.CodeDenied, "you (user %d) may not use this daemon, which belongs to user %d", p.uid, a.Owner).
		WithRemedy("ask its owner to name a group you are in with `group` in the settings of ftd, or to set read_for_others")
}
