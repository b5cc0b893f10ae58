// Package handover carries open sockets, and the lock on the state directory,
// from a daemon to the one that takes its place in the same process: by
// execve, which keeps the pid and every descriptor that is not marked
// close-on-exec. Whoever connects meanwhile waits in the kernel's queue and
// notices nothing. Sockets that systemd opened for the service (ftd.socket)
// come in by the same door.
//
// The old daemon fills a [Bundle] and calls [Bundle.Exec]; the new one begins
// with [Take], before it starts any process.
package handover

import (
	"encoding/json"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/coreos/go-systemd/v22/activation"
	"golang.org/x/sys/unix"
)

// What is handed over.
const (
	Socket  = "socket"  // the API's, for its path
	Metrics = "metrics" // the TCP listener, for the address that the settings name
	Lock    = "lock"    // the open lock file, for the state directory
)

// Bundle is what one process hands to the next, by name. The zero value is
// what a daemon gets that is started anew.
type Bundle map[string]Item

// Item is an open descriptor.
type Item struct {
	File *os.File
	// For is what it was opened for. If the settings want something else by
	// now, it is of no use.
	For string
	// Borrowed is a socket of systemd's: it is used whatever the settings say,
	// and never removed from its path.
	Borrowed bool
}

// variable tells the next daemon what it inherits.
const variable = "FTD_HANDOVER"

// message is the value of the variable.
type message struct {
	// PID is whose it is: in another process the variable means nothing.
	PID   int                    `json:"pid"`
	Items map[string]description `json:"items"`
}

type description struct {
	FD       int    `json:"fd"`
	For      string `json:"for"`
	Borrowed bool   `json:"borrowed,omitempty"`
}

// Take returns what this process was handed, and takes care that no process it
// starts inherits any of it, nor the variables that tell of it.
func Take() Bundle {
	b := Bundle{}
	for _, file := range activation.Files(true) {
		if name, of := purpose(file); name != "" {
			b[name] = Item{File: file, For: of, Borrowed: true}
		}
	}
	var m message
	err := json.Unmarshal([]byte(os.Getenv(variable)), &m)
	_ = os.Unsetenv(variable) // never fails
	if err != nil || m.PID != os.Getpid() {
		return b
	}
	for name, d := range m.Items {
		unix.CloseOnExec(d.FD)
		b[name] = Item{File: os.NewFile(uintptr(d.FD), name), For: d.For, Borrowed: d.Borrowed}
	}
	return b
}

// purpose is what a socket of systemd's is for: its kind tells.
func purpose(file *os.File) (name, of string) {
	l, err := net.FileListener(file)
	if err != nil {
		return "", "" // no listening socket: nothing we know of
	}
	defer l.Close()
	if l.Addr().Network() == "unix" {
		return Socket, l.Addr().String()
	}
	return Metrics, l.Addr().String()
}

// Listener takes the named listener out of the bundle. It is nil if there is
// none for that purpose; one for another is closed, and its path removed.
func (b Bundle) Listener(name, of string) (l net.Listener, borrowed bool, err error) {
	item, ok := b[name]
	if !ok {
		return nil, false, nil
	}
	delete(b, name)
	defer item.File.Close() // the listener has a duplicate
	if l, err = net.FileListener(item.File); err != nil {
		return nil, false, err
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(!item.Borrowed)
	}
	if item.For != of && !item.Borrowed {
		return nil, false, l.Close()
	}
	return l, item.Borrowed, nil
}

// File takes the named file out of the bundle, nil if there is none for that
// purpose.
func (b Bundle) File(name, of string) *os.File {
	item, ok := b[name]
	if !ok {
		return nil
	}
	delete(b, name)
	if item.For != of {
		item.File.Close()
		return nil
	}
	return item.File
}

// Close closes what nobody took.
func (b Bundle) Close() {
	for name, item := range b {
		item.File.Close()
		delete(b, name)
	}
}

// own are variables that concern the service and nobody it starts.
var own = []string{variable, "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "JOURNAL_STREAM", "INVOCATION_ID", "MAINPID"}

// ForChildren is the environment without what systemd said to the daemon only.
func ForChildren(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains(own, name)
	})
}
