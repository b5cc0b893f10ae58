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
	"sync/atomic"

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

// maxStray is the size from which the file for strays is emptied.
const maxStray = 1 << 20

// streams are the descriptors 1 and 2 of the process, kept while a call has
// them.
type streams struct {
	stdout, stderr int
	null           int
	stray          int // what they are between calls; -1 for what they were
}

// kept are the streams of this process, nil before Python is loaded.
var kept atomic.Pointer[streams]

// OwnStreams gives the descriptors 1 and 2 back that the process was started
// with, for a program that takes its place. No call may be at work.
func OwnStreams() {
	if s := kept.Load(); s != nil {
		_ = s.point(s.stdout, s.stderr) // else they stay where they are
	}
}

func keepStreams(stray string) (*streams, error) {
	s := &streams{stray: -1}
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
	if stray != "" {
		if s.stray, err = unix.Open(stray, unix.O_WRONLY|unix.O_CREAT|unix.O_APPEND|unix.O_CLOEXEC, 0o640); err != nil {
			s.stray = s.null // rather nowhere than in the daemon's log
		}
	}
	kept.Store(s)
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

// restore flushes what C code still holds and points the descriptors away from
// the call.
func (s *streams) restore() error {
	flushStreams()
	if s.stray < 0 {
		return s.point(s.stdout, s.stderr)
	}
	var st unix.Stat_t
	if unix.Fstat(s.stray, &st) == nil && st.Size > maxStray {
		_ = unix.Ftruncate(s.stray, 0) // it is for people who look, and they can look again
	}
	return s.point(s.stray, s.stray)
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
