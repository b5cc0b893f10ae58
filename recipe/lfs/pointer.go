package lfs

import (
	"bufio"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// versions are the first lines that a pointer may have; the older address is git-media's.
var versions = []string{"version https://git-lfs.github.com/spec/v1", "version https://hawser.github.com/spec/v1"}

// maxPointer bounds a pointer, as git-lfs does.
const maxPointer = 1024

// Pointer stands for a large file.
type Pointer struct {
	Path string // of the file in its directory, with slashes
	OID  string // SHA-256 of the content in hexadecimal digits
	Size int64  // bytes of the content
}

// Find returns the pointers among the files of a directory, in order.
func Find(dir string) ([]Pointer, error) {
	var found []Pointer
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		info, err := os.Stat(path) // the file that a link points to
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxPointer {
			return nil //nolint:nilerr // a dangling link is no pointer
		}
		p, ok, err := read(path)
		if ok {
			name, relErr := filepath.Rel(dir, path)
			if relErr != nil {
				return relErr
			}
			p.Path = filepath.ToSlash(name)
			found = append(found, p)
		}
		return err
	})
	return found, err
}

// Read returns the pointer that a file holds, if it holds one. Its path is left
// to the caller.
func Read(path string) (Pointer, bool) {
	p, ok, err := read(path)
	return p, ok && err == nil
}

// read is Read for a file that should be readable.
func read(path string) (p Pointer, ok bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return p, false, err
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, maxPointer))
	for n := 0; lines.Scan(); n++ {
		key, value, _ := strings.Cut(lines.Text(), " ")
		switch {
		case n == 0 && lines.Text() != versions[0] && lines.Text() != versions[1]:
			return p, false, nil
		case key == "oid":
			p.OID, _ = strings.CutPrefix(value, "sha256:")
		case key == "size":
			p.Size, err = strconv.ParseInt(value, 10, 64)
			if err != nil {
				return p, false, nil //nolint:nilerr // not a pointer then
			}
		}
	}
	sum, err := hex.DecodeString(p.OID)
	return p, err == nil && len(sum) == 32 && p.Size >= 0, lines.Err()
}

// Total is the size of all files that pointers stand for.
func Total(pointers []Pointer) (bytes int64) {
	for _, p := range pointers {
		bytes += p.Size
	}
	return bytes
}
