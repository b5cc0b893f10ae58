package main

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
	"syscall"

	"golang.org/x/term"
)

// stdout remembers that something could not be written. Few verbs ask after
// each line, and a table on a full disk that is half there must not be a success.
type stdout struct {
	io.Writer
	failure atomic.Pointer[error]
}

// noted returns a writer that remembers, and w itself where it is a terminal,
// which is asked for more than to be written to.
func noted(w io.Writer) (io.Writer, *stdout) {
	s := &stdout{Writer: w}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return w, s
	}
	return s, s
}

func (s *stdout) Write(p []byte) (int, error) {
	n, err := s.Writer.Write(p)
	if err != nil {
		s.failure.CompareAndSwap(nil, &err)
	}
	return n, err
}

// err is why not all of the data is where it was to go, nil if it is.
func (s *stdout) err() error {
	if failure := s.failure.Load(); failure != nil {
		return *failure
	}
	return nil
}

// closed says that whoever read stdout has gone: there is nobody to tell. It is
// noticed in this way only where SIGPIPE is ignored.
func (s *stdout) closed() bool { return errors.Is(s.err(), syscall.EPIPE) }
