package unpack

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/ulikunitz/xz"

	"ftd/recipe/fault"
)

// The formats, as [Summary] names them.
const (
	formatZip = "zip"
	formatTar = "tar"
	formatGz  = "tar.gz"
	formatBz2 = "tar.bz2"
	formatXz  = "tar.xz"
)

// magic are the first bytes of formats; the last ones are not known, but named.
var magic = []struct{ begin, format, unknown string }{
	{"PK\x03\x04", formatZip, ""},
	{"PK\x05\x06", formatZip, ""}, // an empty one
	{"\x1f\x8b", formatGz, ""},
	{"BZh", formatBz2, ""},
	{"\xfd7zXZ\x00", formatXz, ""},
	{"PK\x07\x08", "", "one part of a zip in several parts"},
	{"Rar!", "", "a RAR archive"},
	{"7z\xbc\xaf\x27\x1c", "", "a 7z archive"},
	{"\x28\xb5\x2f\xfd", "", "a zstd archive"},
	{"version https://git-lfs", "", "a Git LFS pointer and not the file itself"},
	{"<", "", "a page of HTML or XML, as a server sends it that wants a login or has lost the file"},
}

// recognise tells the format by the first bytes.
func recognise(f *os.File, name string) (string, error) {
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return "", err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	what := "no archive of a known kind"
	if n == 0 {
		what = "empty"
	}
	for _, m := range magic {
		if bytes.HasPrefix(head[:n], []byte(m.begin)) {
			if m.format != "" {
				return m.format, nil
			}
			what = m.unknown
		}
	}
	if n == len(head) && string(head[257:262]) == "ustar" {
		return formatTar, nil
	}
	return "", fault.New(CodeFormat, "give a zip, tar, tar.gz, tar.bz2 or tar.xz", "%s is %s", name, what)
}

func (w *writer) tar(format string, in *counter) error {
	var stream io.Reader = in
	var err error
	switch format {
	case formatGz:
		stream, err = gzip.NewReader(in)
	case formatBz2:
		stream = bzip2.NewReader(in)
	case formatXz:
		stream, err = xz.NewReader(in)
	}
	if err != nil {
		return err
	}
	archive := tar.NewReader(stream)
	for first := true; ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if first && format != formatTar && errors.Is(err, tar.ErrHeader) {
			return fault.New(CodeFormat, "decompress it yourself (gunzip, bunzip2, unxz), and name the file instead", "%s is one compressed file and no archive", w.archive)
		}
		first = false
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) { // names are looked at here
			return err
		}
		switch h.Typeflag {
		case tar.TypeDir:
			err = w.dir(h.Name)
		case tar.TypeReg:
			err = w.file(h.Name, fs.FileMode(h.Mode), archive, in)
		case tar.TypeSymlink:
			err = w.symlink(h.Name, h.Linkname)
		case tar.TypeLink:
			err = w.link(h.Name, h.Linkname)
		case tar.TypeXGlobalHeader:
			err = nil
		default:
			err = w.unsafe(h.Name, "is a device, a pipe or something else that is not a file")
		}
		if err != nil {
			return err
		}
	}
}

func (w *writer) zip(f io.ReaderAt, size int64, in *counter) error {
	archive, err := zip.NewReader(f, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names are looked at here
		return err
	}
	var total uint64
	for _, entry := range archive.File {
		const encrypted = 1
		if entry.Flags&encrypted != 0 {
			return fault.New(CodeEncrypted, "unpack it yourself with its password, and name the directory instead", "%s is encrypted: the entry %q needs a password", w.archive, entry.Name)
		}
		total += entry.UncompressedSize64
	}
	if total > uint64(w.limits.Bytes) { // it says so itself: nothing need be written
		return w.bomb("holds %d bytes, more than the %d that there may be", total, w.limits.Bytes)
	}
	for _, entry := range archive.File {
		if err := w.zipEntry(entry, in); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) zipEntry(entry *zip.File, in *counter) error {
	mode := entry.Mode()
	if mode.IsDir() || strings.HasSuffix(entry.Name, "/") {
		return w.dir(entry.Name)
	}
	body, err := entry.Open()
	if errors.Is(err, zip.ErrAlgorithm) {
		return fault.New(CodeFormat, "pack it again with deflate, or unpack it yourself and name the directory instead", "the entry %q of %s is compressed in a way that is not known (method %d)", entry.Name, w.archive, entry.Method)
	}
	if err != nil {
		return err
	}
	defer body.Close()
	in.add(int64(entry.CompressedSize64))
	switch {
	case mode.IsRegular():
		return w.file(entry.Name, mode, body, in)
	case mode&fs.ModeSymlink != 0:
		to, err := io.ReadAll(io.LimitReader(body, 4096))
		if err != nil {
			return err
		}
		return w.symlink(entry.Name, string(to))
	}
	return w.unsafe(entry.Name, "is a device, a pipe or something else that is not a file")
}
