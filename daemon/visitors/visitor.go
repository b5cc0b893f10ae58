package visitors

import (
	"container/list"
	"errors"
	"net"
	"syscall"
	"time"
)

// A client may refuse for writeTimeout to take chunk bytes; then it is cut off.
// Of a stream it can have the rest by going on where it was.
const (
	writeTimeout = time.Minute
	chunk        = 64 << 10
)

// Visitor is a connection.
type Visitor struct {
	net.Conn
	house *Listener

	// The house's mutex guards these.
	place         *list.Element // in house.waited; nil while it is worked for
	served, heard bool
	gone          bool
}

// Serving says that a request has arrived and is worked on until done is called.
func (v *Visitor) Serving() (done func()) {
	v.house.mu.Lock()
	defer v.house.mu.Unlock()
	v.served = true
	v.hear()
	v.busy()
	return func() {
		v.house.mu.Lock()
		defer v.house.mu.Unlock()
		v.served = false
		v.await()
	}
}

// Awaited calls what waits for the client although its request is worked on:
// for the rest of its body, say.
func (v *Visitor) Awaited(wait func()) {
	v.house.mu.Lock()
	served := v.served
	v.await()
	v.house.mu.Unlock()
	wait()
	if served {
		v.house.mu.Lock()
		v.busy()
		v.house.mu.Unlock()
	}
}

// Write waits for the client to take it. Each part has its own time, so that a
// long answer may take long.
func (v *Visitor) Write(p []byte) (n int, err error) {
	v.Awaited(func() {
		for n < len(p) && err == nil {
			var m int
			if err = v.SetWriteDeadline(time.Now().Add(writeTimeout)); err == nil {
				m, err = v.Conn.Write(p[n:min(len(p), n+chunk)])
			}
			n += m
		}
	})
	return n, err
}

// Close gives the place back.
func (v *Visitor) Close() error {
	v.house.mu.Lock()
	v.leave()
	v.house.mu.Unlock()
	return v.Conn.Close()
}

// CloseWrite tells the client that nothing more comes.
func (v *Visitor) CloseWrite() error {
	if c, ok := v.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return errors.ErrUnsupported
}

// SyscallConn is for who asks the kernel about the client.
func (v *Visitor) SyscallConn() (syscall.RawConn, error) {
	if c, ok := v.Conn.(syscall.Conn); ok {
		return c.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// await, busy, hear and leave are called with the house's mutex held.

func (v *Visitor) await() {
	if v.place == nil && !v.gone {
		v.place = v.house.waited.PushBack(v)
		v.house.free.Signal()
	}
}

func (v *Visitor) busy() {
	if v.place != nil {
		v.house.waited.Remove(v.place)
		v.place = nil
	}
}

func (v *Visitor) hear() {
	if !v.heard {
		v.heard = true
		v.house.unheard--
		close(v.house.changed)
		v.house.changed = make(chan struct{})
	}
}

func (v *Visitor) leave() {
	if v.gone {
		return
	}
	v.busy()
	v.hear()
	v.gone = true
	v.house.inside--
	v.house.free.Signal()
}
