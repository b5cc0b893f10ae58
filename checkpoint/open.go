package checkpoint

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// openFile opens a file for reading. A named pipe under a checkpoint's name
// must not make us wait for its writer.
func openFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// ReadError is a checkpoint that cannot be judged at all, because there is no
// file or none that may be read.
type ReadError struct {
	Path   string
	Reason string // in words for people
	Err    error
}

func (e *ReadError) Error() string { return e.Path + ": " + e.Reason }
func (e *ReadError) Unwrap() error { return e.Err }

func openError(path string, err error) error {
	e := &ReadError{Path: path, Err: err}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Reason = "there is no such file"
		if info, lerr := os.Lstat(path); lerr == nil && info.Mode()&fs.ModeSymlink != 0 {
			e.Reason = "a symbolic link to a file that is not there"
		}
	case errors.Is(err, fs.ErrPermission):
		e.Reason = "you may not read it; it belongs to the user who trained"
	case errors.Is(err, syscall.ELOOP):
		e.Reason = "a symbolic link that leads back to itself"
	default:
		e.Reason = "it cannot be read: " + err.Error()
	}
	return e
}

// readError says why fewer bytes came than the file's size promised. Both
// cases are the file's state, so the verdict has them as its reason.
func readError(off int64, err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return damagef("became shorter while it was read; it is being written or deleted")
	}
	return damagef("cannot be read at byte %d: %s", off, err)
}

// unchanged makes sure that a verdict is about one state of the file.
func unchanged(f *os.File, before fs.FileInfo) error {
	after, err := f.Stat()
	if err != nil {
		return readError(0, err)
	}
	if after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
		return damagef("changed while it was read; it is being written")
	}
	return nil
}
