package unpack

import (
	"archive/zip"
	"encoding/binary"
	"os"
	"path/filepath"
)

// Size is how many bytes will come out of an archive, as far as it can be told
// without taking it apart: a zip lists them and a gzip ends with them (below 4
// GiB); of the others it is at least the archive's own size. 0 is not known.
func Size(archive string) int64 {
	f, err := os.Open(archive)
	if err != nil {
		return 0
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	format, _ := recognise(f, filepath.Base(archive))
	size := info.Size()
	switch format {
	case "":
		return 0
	case formatZip:
		list, err := zip.NewReader(f, size)
		if err != nil {
			return 0
		}
		size = 0
		for _, entry := range list.File {
			size += int64(entry.UncompressedSize64)
		}
	case formatGz:
		var last [4]byte
		if _, err := f.ReadAt(last[:], size-int64(len(last))); err == nil {
			size = max(size, int64(binary.LittleEndian.Uint32(last[:])))
		}
	}
	return size
}
