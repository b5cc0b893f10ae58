package checkpoint

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Remove deletes a checkpoint: a file, or of an iteration directory what
// belongs to the checkpoint. The directory itself goes only if nothing else is
// in it. One that is not there any more is no error.
func Remove(path string) error {
	it, ok, err := iterationAt(path)
	if err != nil {
		return ignoreMissing(err)
	}
	if !ok {
		return ignoreMissing(os.Remove(path))
	}
	// A damaged index is no reason to keep the rest.
	files, err := it.files(context.Background())
	var d *damage
	if err != nil && !errors.As(err, &d) {
		return ignoreMissing(err)
	}
	// First what says that it is complete.
	for _, file := range append([]string{filepath.Join(path, commonName), filepath.Join(path, metadataName)}, files...) {
		if err := ignoreMissing(os.Remove(file)); err != nil {
			return err
		}
	}
	if rest, err := os.ReadDir(path); err != nil || len(rest) > 0 {
		return ignoreMissing(err)
	}
	return ignoreMissing(os.Remove(path))
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
