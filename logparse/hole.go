package logparse

import (
	"bytes"
	"errors"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// A log that is emptied while its writer goes on at the old place, because it
// did not open the file for appending, begins with a hole: NUL bytes that take
// no space but, if they were read, as long as if they had been written. A hole
// of a terabyte is passed over as fast as one of a block, where the filesystem
// knows its holes; where it does not, NUL bytes are read like any others.

// zeros is what a hole reads as.
var zeros [MaxLine]byte

// IsHole reports whether bytes may be a piece of a hole: all of them are NUL.
func IsHole(b []byte) bool {
	for len(b) > len(zeros) {
		if !bytes.Equal(b[:len(zeros)], zeros[:]) {
			return false
		}
		b = b[len(zeros):]
	}
	return bytes.Equal(b, zeros[:len(b)])
}

// HoleEnd returns where the hole that off lies in ends, off where there is none
// or the filesystem cannot tell. It moves the position of f.
func HoleEnd(f *os.File, off int64) int64 {
	end, err := f.Seek(off, unix.SEEK_DATA)
	if errors.Is(err, syscall.ENXIO) { // nothing but a hole up to the end
		end, err = f.Seek(0, io.SeekEnd)
	}
	if err != nil {
		return off
	}
	return max(off, end)
}

// sparse reads a file from its beginning, and passes over its holes.
type sparse struct {
	file *os.File
	at   int64
}

// Read implements [io.Reader]; it gives all bytes, those of holes too.
func (s *sparse) Read(b []byte) (int, error) {
	n, err := s.file.ReadAt(b, s.at)
	s.at += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

// skip passes over the hole that b, which was read last, is the beginning of,
// and returns how many bytes it has beyond b.
func (s *sparse) skip(b []byte) int64 {
	if len(b) == 0 || !IsHole(b) {
		return 0
	}
	from := s.at
	s.at = HoleEnd(s.file, from)
	return s.at - from
}

// Skip tells that the next n bytes of the file are NUL bytes, which need not be
// fed: the records are the same as if they had been.
func (p *Parser) Skip(n int64) {
	if n <= 0 {
		return
	}
	if p.inLine {
		p.collect(zeros[:min(n, int64(len(zeros)))])
	}
	p.offset += n
}
