package journal

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"

	"ftd/api"
)

// The header of an SQLite file holds user_version as four bytes, the highest
// first (https://www.sqlite.org/fileformat.html#the_database_header).
const versionAt = 60

// Check says whether this program would open the journal at path, which may be
// in use by another: one of a newer version is refused. It changes nothing.
func Check(path string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return api.Errorf(api.CodeSettings, "the journal cannot be opened: %v", err).
			WithRemedy("see to whom the file belongs, or choose another directory with --state-dir")
	}
	defer file.Close()
	var version [4]byte
	if _, err := file.ReadAt(version[:], versionAt); errors.Is(err, io.EOF) {
		return nil // it was only begun
	} else if err != nil {
		return api.Errorf(api.CodeSettings, "the journal cannot be read: %v", err).WithRemedy("see whether the disk is whole, or choose another directory with --state-dir")
	}
	return refuseNewer(path, int(binary.BigEndian.Uint32(version[:])), len(schema()))
}

// refuseNewer is the error of a journal that a newer program has written.
func refuseNewer(path string, version, known int) error {
	if version <= known {
		return nil
	}
	return api.Errorf(api.CodeStateNewer, "the journal %s has version %d, and this ftd knows versions up to %d", path, version, known).
		WithRemedy("use the newer ftd that wrote it, or another state directory with --state-dir")
}
