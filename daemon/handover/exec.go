package handover

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Add puts a duplicate of an open descriptor into the bundle. c may be closed
// afterwards; a listener goes on queueing whoever connects.
func (b Bundle) Add(name, of string, borrowed bool, c syscall.Conn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var fd int
	var failed error
	// Not by File(): its Fd() makes the socket blocking for all who share it,
	// and an Accept under way would never return.
	err = raw.Control(func(of uintptr) { fd, failed = unix.FcntlInt(of, unix.F_DUPFD_CLOEXEC, 3) })
	if err == nil {
		err = failed
	}
	if err != nil {
		return fmt.Errorf("the %s cannot be handed over: %w", name, err)
	}
	b[name] = Item{File: os.NewFile(uintptr(fd), name), For: of, Borrowed: borrowed}
	return nil
}

// AddListener is Add for a listener, whose path stays when it is closed.
func (b Bundle) AddListener(name, of string, borrowed bool, l net.Listener) error {
	c, ok := l.(syscall.Conn)
	if !ok {
		return fmt.Errorf("a %T cannot be handed over", l)
	}
	if err := b.Add(name, of, borrowed, c); err != nil {
		return err
	}
	if u, ok := l.(interface{ SetUnlinkOnClose(remove bool) }); ok {
		u.SetUnlinkOnClose(false)
	}
	return nil
}

// Exec makes this process the program at argv[0], which inherits the bundle.
// It returns only if that fails, with the bundle as it was.
func (b Bundle) Exec(argv, environ []string) error {
	m := message{PID: os.Getpid(), Items: map[string]description{}}
	keep := map[int]bool{}
	for name, item := range b {
		fd := int(item.File.Fd())
		keep[fd] = true
		m.Items[name] = description{FD: fd, For: item.For, Borrowed: item.Borrowed}
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	// Libraries of a step may have left descriptors open that they did not
	// mark, a card among them.
	open, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		return err
	}
	for _, path := range open {
		if fd, err := strconv.Atoi(filepath.Base(path)); err == nil && fd > 2 && !keep[fd] {
			unix.CloseOnExec(fd)
		}
	}
	for fd := range keep {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0); err != nil {
			return err
		}
	}
	var env []string
	for _, entry := range environ {
		if !strings.HasPrefix(entry, variable+"=") && !strings.HasPrefix(entry, "LISTEN_") {
			env = append(env, entry)
		}
	}
	err = syscall.Exec(argv[0], argv, append(env, variable+"="+string(text)))
	return fmt.Errorf("%s cannot be executed: %w", argv[0], err)
}
