package rundir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The modes keep what a run is from other users, and the environment of a
// training, which may hold passwords, from the group too.
const (
	fileMode = 0o640
	specMode = 0o600
)

// reservedSize is the size of a reserved file: more than any of them needs,
// one block of most filesystems.
const reservedSize = 4096

// ReadSpec reads spec.json of the run directory dir.
func ReadSpec(dir string) (Spec, error) {
	var s Spec
	if err := read(filepath.Join(dir, SpecFile), &s); err != nil {
		return Spec{}, err
	}
	switch {
	case s.Version > SpecVersion:
		return Spec{}, fmt.Errorf("%s was written by a newer version of ftd (format %d, this one reads up to %d)",
			filepath.Join(dir, SpecFile), s.Version, SpecVersion)
	case s.Version < 1 || len(s.Command) == 0 || s.Log == "" || s.Token == "":
		return Spec{}, fmt.Errorf("%s is not complete", filepath.Join(dir, SpecFile))
	}
	return s, nil
}

// WriteSpec writes spec.json.
func WriteSpec(dir string, s Spec) error {
	path := filepath.Join(dir, SpecFile)
	return write(path+".tmp", path, specMode, s)
}

// ReadShim reads shim.json; the error is fs.ErrNotExist if there is none yet.
func ReadShim(dir string) (Shim, error) {
	var s Shim
	if err := read(filepath.Join(dir, ShimFile), &s); err != nil {
		return Shim{}, err
	}
	if s.PID <= 0 || s.BootID == "" {
		return Shim{}, fmt.Errorf("%s is not complete", filepath.Join(dir, ShimFile))
	}
	return s, nil
}

// ReadExit reads exit.json; the error is fs.ErrNotExist if there is none yet.
func ReadExit(dir string) (Exit, error) {
	var e Exit
	err := read(filepath.Join(dir, ExitFile), &e)
	return e, err
}

// WriteEnded writes ended.json, which says before exit.json does how the command
// itself has ended.
func WriteEnded(dir string, e Exit) error {
	path := filepath.Join(dir, EndedFile)
	return write(path+".tmp", path, fileMode, e)
}

// ReadEnded reads ended.json; the error is fs.ErrNotExist if there is none.
func ReadEnded(dir string) (Exit, error) {
	var e Exit
	err := read(filepath.Join(dir, EndedFile), &e)
	return e, err
}

func read(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s is damaged: %w", path, err)
	}
	return nil
}

// Reserved is a file that will be needed when the disk may be full: its space
// is taken at once, its content comes later and under its final name.
type Reserved struct {
	path string
	file *os.File
}

// Reserve takes the space of the file path, in the file path.tmp. It fails
// with fs.ErrExist if somebody else did so before: only one shim may ever
// work in a run directory.
func Reserve(path string) (*Reserved, error) {
	f, err := os.OpenFile(path+".tmp", os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return nil, err
	}
	// Written and not only extended: a hole takes no space.
	_, err = f.Write(bytes.Repeat([]byte{' '}, reservedSize))
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		f.Close()
		_ = os.Remove(f.Name())
		return nil, err
	}
	return &Reserved{path: path, file: f}, nil
}

// Commit puts v in JSON into the reserved space and gives the file its name.
// It may be called again after an error.
func (r *Reserved) Commit(v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	// Blanks up to the reserved size: the file is neither cut nor extended,
	// so that no step of this needs space.
	data = append(data, bytes.Repeat([]byte{' '}, max(0, reservedSize-1-len(data)))...)
	data = append(data, '\n')
	if _, err := r.file.WriteAt(data, 0); err != nil {
		return err
	}
	if err := r.file.Sync(); err != nil {
		return err
	}
	err = os.Rename(r.path+".tmp", r.path)
	if errors.Is(err, fs.ErrNotExist) { // somebody cleaned up the reserved file
		err = write(r.path+".new", r.path, fileMode, v)
	}
	if err != nil {
		return err
	}
	r.file.Close()
	syncDir(filepath.Dir(r.path))
	return nil
}

// Release gives the space back unless Commit used it.
func (r *Reserved) Release() {
	r.file.Close()
	_ = os.Remove(r.path + ".tmp")
}

// Unreserve gives back the space that somebody reserved who is no more.
func Unreserve(path string) { _ = os.Remove(path + ".tmp") }

// write puts v in JSON into the file temporary, then gives it the name path.
func write(temporary, path string, mode fs.FileMode, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(append(data, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		_ = os.Remove(temporary)
		return err
	}
	syncDir(filepath.Dir(path))
	return nil
}

// syncDir makes a rename last. Where that is not possible (some network
// filesystems cannot sync a directory) the file has its name all the same.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		d.Close()
	}
}
