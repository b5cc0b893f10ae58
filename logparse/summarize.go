package logparse

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// InputError says why something could not be read as a training log.
type InputError struct {
	// Code is one of "missing", "directory", "empty", "binary", "wide-text",
	// "compressed", "not-a-log" and "unreadable".
	Code   string
	Path   string // "" for a stream
	Reason string
	Remedy string
	Err    error
}

func (e *InputError) Error() string {
	s := e.Reason
	if e.Path != "" {
		s = e.Path + ": " + s
	}
	if e.Remedy != "" {
		s += "; " + e.Remedy
	}
	return s
}

func (e *InputError) Unwrap() error { return e.Err }

// Remedies of more than one error.
const (
	whenEmpty      = "look whether the training has begun, and where its output goes"
	whenUnreadable = "check that it is a file, and the disk or the mount that it lies on"
)

// readSize is how much is read at once: it fits a core's cache, so that the
// parser finds the bytes there.
const readSize = 256 << 10

// SummarizeFile reads a whole log file; one compressed with gzip is unpacked
// on the way. What is no log gives an [*InputError].
func SummarizeFile(ctx context.Context, path string, opts ...Option) (*Summary, error) {
	s := &Summary{}
	return s, ReadFile(ctx, path, s.Add, opts...)
}

// Summarize is SummarizeFile for a stream.
func Summarize(ctx context.Context, r io.Reader, opts ...Option) (*Summary, error) {
	s := &Summary{}
	return s, Read(ctx, r, s.Add, opts...)
}

// ReadFile calls emit for each record of a whole log file, as [Read] does.
func ReadFile(ctx context.Context, path string, emit func(*Record), opts ...Option) error {
	f, err := os.Open(path)
	if err != nil {
		return openError(path, err)
	}
	defer f.Close()
	var r io.Reader = f
	if st, err := f.Stat(); err == nil {
		switch mode := st.Mode(); {
		case mode.IsDir():
			return &InputError{Code: "directory", Path: path, Reason: "is a directory", Remedy: "name the log files in it"}
		case mode.IsRegular():
			r = &sparse{file: f}
		}
	}
	err = Read(ctx, r, emit, opts...)
	var in *InputError
	if errors.As(err, &in) {
		in.Path = path
	}
	return err
}

func openError(path string, err error) error {
	e := &InputError{Code: "unreadable", Path: path, Reason: "cannot be opened: " + plain(err), Remedy: whenUnreadable, Err: err}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Code, e.Reason, e.Remedy = "missing", "there is no such file", "check the path"
	case errors.Is(err, fs.ErrPermission):
		e.Reason, e.Remedy = "may not be read", "check the permissions of the file and of the directories above it"
	case errors.Is(err, syscall.ELOOP):
		e.Reason, e.Remedy = "is a symbolic link that leads back to itself", "remove the link"
	}
	return e
}

// plain is an error's reason without the path and the system call.
func plain(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// Read calls emit for each record of a whole stream, which may be compressed
// with gzip, and ends when ctx does. The Record is reused by the next call.
func Read(ctx context.Context, r io.Reader, emit func(*Record), opts ...Option) error {
	buf := make([]byte, readSize)
	p := NewParser(opts...)
	n, err := io.ReadAtLeast(r, buf, 512)
	if holes, ok := r.(*sparse); ok {
		if skipped := holes.skip(buf[:n]); skipped > 0 {
			p.Skip(int64(n) + skipped)
			n, err = io.ReadAtLeast(r, buf, 512)
		}
	}
	switch {
	case errors.Is(err, io.EOF):
		return &InputError{Code: "empty", Reason: "is empty", Remedy: whenEmpty}
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return readError(err)
	}
	if n >= 2 && buf[0] == 0x1f && buf[1] == 0x8b {
		z, err := gzip.NewReader(io.MultiReader(bytes.NewReader(bytes.Clone(buf[:n])), r))
		if err != nil {
			return readError(err)
		}
		r = z
		if n, err = io.ReadAtLeast(r, buf, 512); errors.Is(err, io.EOF) {
			return &InputError{Code: "empty", Reason: "is empty, once unpacked", Remedy: whenEmpty}
		} else if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return readError(err)
		}
	}
	if err := refuse(buf[:n]); err != nil {
		return err
	}
	p.Feed(buf[:n], emit)
	if err := readBlocks(ctx, r, buf, func(b *block) { p.feedBlock(b, emit) }); err != nil {
		return err
	}
	p.Flush(emit)
	return p.verdict()
}

func readError(err error) error {
	e := &InputError{Code: "unreadable", Reason: "cannot be read: " + plain(err), Remedy: whenUnreadable, Err: err}
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, io.ErrUnexpectedEOF) {
		e.Reason, e.Remedy = "the gzip file is damaged or cut short", "use the original log"
	}
	if errors.Is(err, syscall.EISDIR) {
		e.Code, e.Reason, e.Remedy = "directory", "is a directory", "name the log files in it"
	}
	return e
}

// verdict refuses a text of which no line is one that a training prints.
func (p *Parser) verdict() error {
	if p.known {
		return nil
	}
	return &InputError{Code: "not-a-log",
		Reason: fmt.Sprintf("is not a training log: none of its %d lines is one that MindSpore or mindformers print", p.lines),
		Remedy: "name the captured output of the training, or rank_N/info.log"}
}
