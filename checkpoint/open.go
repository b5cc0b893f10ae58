package checkpoint

import (
	"errors"
	"fmt"
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

// openError says in words why there is nothing to judge.
func openError(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: there is no such file: %w", path, fs.ErrNotExist)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: reading it is not allowed; it belongs to the user who trained: %w", path, fs.ErrPermission)
	case errors.Is(err, syscall.ELOOP):
		return fmt.Errorf("%s: a symbolic link that leads back to itself: %w", path, syscall.ELOOP)
	}
	return fmt.Errorf("%s: cannot be read: %w", path, err)
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
