package fault

import (
	"errors"
	"io/fs"
)

// Reason is an error of package os without the path, which the sentence around
// it has named already.
func Reason(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
