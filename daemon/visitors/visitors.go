// Package visitors lets clients in, at most so many at a time, and shows out
// who is waited for the longest when others want to come in.
//
// A server cannot know whether a client that says nothing will ever say
// something. So it is not asked to: a visitor that is silent, sends its request
// or takes its answer slowly keeps its place for as long as nobody else needs
// it. Nobody is shown out while the server works for it. So a flood of clients
// that hang takes the places of one another, and whoever wants something gets
// it.
package visitors

import (
	"container/list"
	"context"
	"net"
	"sync"

	"golang.org/x/sys/unix"
)

// Places is how many clients a process may have at once, most or fewer: three
// quarters of the descriptors that it may open are for its own files.
func Places(most int) int {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return most
	}
	return int(min(uint64(most), limit.Cur/4))
}

// Listener hands out connections that are [Visitor]s.
type Listener struct {
	net.Listener
	places int

	mu      sync.Mutex
	free    sync.Cond // a place, or somebody who is waited for
	inside  int
	waited  list.List // of *Visitor, who is waited for the longest first
	closed  bool
	unheard int
	changed chan struct{} // closed when unheard has become less
}

// Limit lets no more clients in than that. Others wait in the kernel's queue.
func Limit(l net.Listener, places int) *Listener {
	v := &Listener{Listener: l, places: max(places, 1), changed: make(chan struct{})}
	v.free.L = &v.mu
	return v
}

// Accept lets the next client in, when there is a place for it.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.makeRoom()
	l.inside++
	l.unheard++
	v := &Visitor{Conn: c, house: l}
	v.place = l.waited.PushBack(v)
	return v, nil
}

// makeRoom returns when there is a place, if need be that of somebody who is
// waited for. When the listener is closed there is one for the client that is
// at the door, since no other process would get it.
func (l *Listener) makeRoom() {
	for l.inside >= l.places && !l.closed {
		longest := l.waited.Front()
		if longest == nil {
			l.free.Wait()
			continue
		}
		v := longest.Value.(*Visitor)
		v.leave() // before the mutex is let go, or it may be worked for by then
		l.mu.Unlock()
		_ = v.Conn.Close()
		l.mu.Lock()
	}
}

// Close lets nobody in any more. Who is inside stays.
func (l *Listener) Close() error {
	l.mu.Lock()
	l.closed = true
	l.free.Broadcast()
	l.mu.Unlock()
	return l.Listener.Close()
}

// Settle returns when everybody who was let in was listened to, or ctx ends.
func (l *Listener) Settle(ctx context.Context) {
	for {
		l.mu.Lock()
		unheard, changed := l.unheard, l.changed
		l.mu.Unlock()
		if unheard == 0 {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}
