package logparse

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// open opens the file to read, if it is there.
func (t *Tailer) open() error {
	f, err := openLog(t.path)
	if err != nil || f == nil {
		return err
	}
	st, err := f.Stat()
	if err != nil {
		f.Close()
		return fmt.Errorf("%s: %w", t.path, err)
	}
	from := t.from
	if from.File != (FileID{}) && from.File != fileID(st) {
		if old := t.rotated(from.File); old != nil {
			f.Close()
			f = old
		} else {
			from, t.fresh = Position{}, true
		}
	}
	t.file, t.from = f, Position{}
	t.at = from
	t.last = t.last[:0]
	if from.File == (FileID{}) {
		t.at = Position{File: fileID(st)}
		return nil
	}
	return t.resume()
}

// resume checks that the file is still the one of the position.
func (t *Tailer) resume() error {
	last := make([]byte, max(min(t.at.Offset, markSize), 0))
	_, err := t.file.ReadAt(last, t.at.Offset-int64(len(last)))
	switch {
	case errors.Is(err, io.EOF), t.at.Offset < 0, t.at.Mark != 0 && markOf(last) != t.at.Mark:
		t.restart()
	case err != nil:
		return t.lost(err)
	default:
		t.last = last
	}
	return nil
}

// restart reads the file from its beginning: it is not what it was.
func (t *Tailer) restart() {
	t.at.Offset, t.at.Mark = 0, 0
	t.last = t.last[:0]
	t.fresh = true
}

// unchanged reports whether the bytes before the position are still the same.
func (t *Tailer) unchanged() bool {
	if len(t.last) == 0 {
		return true
	}
	var before [markSize]byte
	b := before[:len(t.last)]
	n, _ := t.file.ReadAt(b, t.at.Offset-int64(len(b)))
	return n == len(b) && string(b) == string(t.last)
}

// lost deals with a file that cannot be read any more. After a network mount
// has lost track of the file it is opened again, at the same place.
func (t *Tailer) lost(err error) error {
	stale := errors.Is(err, syscall.ESTALE)
	t.file.Close()
	t.file, t.from = nil, t.at
	if stale {
		return nil
	}
	return fmt.Errorf("%s: %w", t.path, err)
}

// rotated looks beside the path for the file that was there before.
func (t *Tailer) rotated(id FileID) *os.File {
	dir, base := filepath.Split(t.path)
	if dir == "" {
		dir = "."
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), base) {
			continue
		}
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || fileID(info) != id {
			continue
		}
		f, err := openLog(filepath.Join(dir, e.Name()))
		if err != nil || f == nil {
			continue
		}
		if st, err := f.Stat(); err == nil && fileID(st) == id {
			return f
		}
		f.Close()
	}
	return nil
}

// openLog opens a regular file; nil where there is none.
func openLog(path string) (*os.File, error) {
	// O_NONBLOCK: opening a FIFO must not wait for a writer.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESTALE) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("%s: not a regular file, it cannot be followed", path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// markOf is the checksum of the bytes before a position; never 0.
func markOf(b []byte) uint64 {
	h := fnv.New64a()
	h.Write(b)
	return max(h.Sum64(), 1)
}
