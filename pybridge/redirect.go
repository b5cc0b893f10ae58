//go:build python

package pybridge

// #include <stdio.h>
// static void flush_streams(void) { fflush(stdout); fflush(stderr); }
// static void line_buffered(void) { setvbuf(stdout, NULL, _IOLBF, 0); }
import "C"

import (
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// DaemonStderr returns a duplicate of the standard error stream the process
// was started with. The daemon's own log goes there: descriptors 1 and 2
// belong to the step that runs.
var DaemonStderr = sync.OnceValue(func() *os.File {
	fd, err := unix.FcntlInt(2, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return os.Stderr
	}
	return os.NewFile(uintptr(fd), "/dev/stderr")
})

// streams are the descriptors 1 and 2 of the process, kept while a call has
// them.
type streams struct {
	stdout, stderr int
	null           int
}

func keepStreams() (*streams, error) {
	s := &streams{}
	var err error
	if s.null, err = unix.Open(os.DevNull, unix.O_WRONLY|unix.O_CLOEXEC, 0); err != nil {
		return nil, fmt.Errorf("%s: %w", os.DevNull, err)
	}
	for fd, kept := range map[int]*int{1: &s.stdout, 2: &s.stderr} {
		if *kept, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3); err != nil {
			// Started with the descriptor closed: it stays out of the way.
			*kept = s.null
		}
	}
	// In the order of Python's own output, which is written line by line.
	C.line_buffered()
	return s, nil
}

// redirect points both descriptors at a file, or at nothing.
func (s *streams) redirect(out *os.File) error {
	fd := s.null
	if out != nil {
		fd = int(out.Fd())
	}
	return s.point(fd, fd)
}

// restore flushes what C code still holds and points the descriptors back.
func (s *streams) restore() error {
	flushStreams()
	return s.point(s.stdout, s.stderr)
}

// flushStreams writes out what C code printed.
func flushStreams() { C.flush_streams() }

func (s *streams) point(stdout, stderr int) error {
	if err := unix.Dup3(stdout, 1, 0); err != nil {
		return fmt.Errorf("redirect stdout: %w", err)
	}
	if err := unix.Dup3(stderr, 2, 0); err != nil {
		return fmt.Errorf("redirect stderr: %w", err)
	}
	return nil
}
