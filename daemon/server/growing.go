package server

import (
	"io"
	"os"

	"ftd/logparse"
)

// growing is a log file that may still grow.
type growing struct {
	*os.File
	name string // "train.1/rank_0.log"
	read int64  // up to where it was written to the reader
}

// skip passes over the hole that begins with what was read, if there is one, and
// reports whether it did: nobody wants to be sent a terabyte of NUL bytes.
func (g *growing) skip(b []byte) (bool, error) {
	if !logparse.IsHole(b) {
		return false, nil
	}
	end := logparse.HoleEnd(g.File, g.read)
	hole := end > g.read
	if hole {
		g.read = end
	} else {
		end = g.read + int64(len(b))
	}
	_, err := g.Seek(end, io.SeekStart)
	return hole, err
}
