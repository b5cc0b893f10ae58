package logparse

import (
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// FileID names a file for as long as it exists, whatever its name: a file
// that was replaced has another one. The zero FileID is no file.
type FileID struct {
	Device, Inode uint64
}

// String writes the id as "DEVICE:INODE" in hexadecimal, "" for no file.
func (id FileID) String() string {
	if id == (FileID{}) {
		return ""
	}
	return strconv.FormatUint(id.Device, 16) + ":" + strconv.FormatUint(id.Inode, 16)
}

// ParseFileID reads what String writes.
func ParseFileID(s string) (FileID, error) {
	if s == "" {
		return FileID{}, nil
	}
	dev, ino, ok := strings.Cut(s, ":")
	d, err1 := strconv.ParseUint(dev, 16, 64)
	i, err2 := strconv.ParseUint(ino, 16, 64)
	if !ok || err1 != nil || err2 != nil {
		return FileID{}, fmt.Errorf("not a file id (DEVICE:INODE in hexadecimal): %q", s)
	}
	return FileID{d, i}, nil
}

// idAt returns the id of the file at path, that of no file where there is none.
func idAt(path string) FileID {
	info, err := os.Stat(path)
	if err != nil {
		return FileID{}
	}
	return fileID(info)
}

// fileID returns the id of what a stat call described.
func fileID(info fs.FileInfo) FileID {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return FileID{uint64(st.Dev), st.Ino} //nolint:unconvert // Dev is narrower on some systems
	}
	return FileID{}
}
