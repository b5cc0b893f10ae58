package unpack

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/dustin/go-humanize"
	"golang.org/x/sys/unix"

	"ftd/recipe/fault"
)

// The codes of faults that [Unpack] returns.
const (
	CodeFormat    = "archive-unknown"   // not an archive of a known kind
	CodeDamaged   = "archive-damaged"   // it breaks off, or its checksums do not fit
	CodeEncrypted = "archive-encrypted" // a password is needed
	CodeUnsafe    = "archive-unsafe"    // an entry would leave the target, or is a device
	CodeBomb      = "archive-too-large" // it grows beyond the limits
	CodeDiskFull  = "disk-full"
)

// Limits are what an archive may grow to; a zero field has a default.
type Limits struct {
	Bytes   int64 // all files together; by default what the disk has free
	Ratio   int64 // bytes out for one byte in, looked at beyond 16 MiB; 250
	Entries int   // files, directories and links; 1,000,000
}

// ratioFrom is how much may come out before the ratio counts: small files of
// blanks are no bomb.
const ratioFrom = 16 << 20

// Summary says what was unpacked.
type Summary struct {
	Format string
	Files  int // without directories
	Bytes  int64
}

// Unpack takes the archive apart into the directory target, which must not
// exist. progress, if not nil, is told how much of the archive was read.
func Unpack(ctx context.Context, archive, target string, limits Limits, progress func(done, total int64)) (Summary, error) {
	f, err := os.Open(archive)
	if err != nil {
		return Summary{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Summary{}, err
	}
	format, err := recognise(f, filepath.Base(archive))
	if err != nil {
		return Summary{}, err
	}
	temporary, err := os.MkdirTemp(filepath.Dir(target), "."+filepath.Base(target)+"-")
	if err != nil {
		return Summary{}, err
	}
	defer os.RemoveAll(temporary)
	if err := os.Chmod(temporary, 0o755); err != nil {
		return Summary{}, err
	}
	root, err := os.OpenRoot(temporary)
	if err != nil {
		return Summary{}, err
	}
	defer root.Close()
	w := &writer{ctx: ctx, root: root, archive: filepath.Base(archive), limits: limits.orDefault(temporary)}
	in := &counter{Reader: f, total: info.Size(), progress: progress}
	if format == formatZip {
		err = w.zip(f, info.Size(), in)
	} else {
		err = w.tar(format, in)
	}
	if err != nil {
		return Summary{}, w.explain(err)
	}
	if err := os.Rename(temporary, target); err != nil {
		return Summary{}, err
	}
	return Summary{Format: format, Files: w.files, Bytes: w.bytes}, nil
}

func (l Limits) orDefault(dir string) Limits {
	if l.Ratio == 0 {
		l.Ratio = 250
	}
	if l.Entries == 0 {
		l.Entries = 1_000_000
	}
	var stat unix.Statfs_t
	if l.Bytes == 0 && unix.Statfs(dir, &stat) == nil {
		l.Bytes = int64(stat.Bavail) * stat.Bsize
	}
	return l
}

// counter counts what is read of the archive.
type counter struct {
	io.Reader
	read, total int64
	progress    func(done, total int64)
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.add(int64(n))
	return n, err
}

func (c *counter) add(n int64) {
	c.read += n
	if c.progress != nil {
		c.progress(c.read, c.total)
	}
}

// writer writes entries below root.
type writer struct {
	ctx     context.Context
	root    *os.Root
	archive string
	limits  Limits
	entries int
	files   int
	bytes   int64
}

// name checks the name of an entry, and makes the directories it lies in.
func (w *writer) name(entry string) (string, error) {
	if w.ctx.Err() != nil {
		return "", context.Cause(w.ctx)
	}
	if w.entries++; w.entries > w.limits.Entries {
		return "", w.bomb("holds more than %d entries", w.limits.Entries)
	}
	// Some Windows programs write backslashes; in GBK they are half of a character.
	clean := path.Clean(strings.ReplaceAll(decoded(entry), `\`, "/"))
	if entry == "" || !filepath.IsLocal(clean) {
		return "", w.unsafe(entry, "would be written outside of the target")
	}
	return clean, w.root.MkdirAll(path.Dir(clean), 0o755)
}

func (w *writer) dir(entry string) error {
	name, err := w.name(entry)
	if err != nil {
		return err
	}
	return w.root.MkdirAll(name, 0o755)
}

// file writes one file; in tells how much of the archive was read so far.
func (w *writer) file(entry string, mode fs.FileMode, body io.Reader, in *counter) error {
	name, err := w.name(entry)
	if err != nil {
		return err
	}
	if err := w.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// Never through a link that an earlier entry left there.
	f, err := w.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644|mode&0o111)
	if err != nil {
		return err
	}
	buffer := make([]byte, 256<<10)
	for err == nil {
		var n int
		n, err = body.Read(buffer)
		w.bytes += int64(n)
		switch limits := w.limits; {
		case w.bytes > limits.Bytes:
			err = w.bomb("holds more than %s", humanize.IBytes(uint64(limits.Bytes)))
		case w.bytes > ratioFrom && w.bytes/max(in.read, 1) > limits.Ratio:
			err = w.bomb("grows to more than %d times its size", limits.Ratio)
		case w.ctx.Err() != nil:
			err = context.Cause(w.ctx)
		case n > 0:
			if _, writeErr := f.Write(buffer[:n]); writeErr != nil {
				err = writeErr
			}
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	w.files++
	return errors.Join(err, f.Close())
}

// symlink makes a symbolic link that stays within the target.
func (w *writer) symlink(entry, to string) error {
	name, err := w.name(entry)
	if err != nil {
		return err
	}
	to = decoded(to)
	if path.IsAbs(to) || !filepath.IsLocal(path.Join(path.Dir(name), to)) {
		return w.unsafe(entry, "is a link to "+to+", outside of the target")
	}
	if err := w.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	w.files++
	return w.root.Symlink(to, name)
}

// link makes a second name of an earlier entry.
func (w *writer) link(entry, to string) error {
	name, err := w.name(entry)
	if err != nil {
		return err
	}
	if to = path.Clean(decoded(to)); !filepath.IsLocal(to) {
		return w.unsafe(entry, "is a link to "+to+", outside of the target")
	}
	if info, err := w.root.Lstat(to); err != nil || !info.Mode().IsRegular() {
		return w.unsafe(entry, "is a link to "+to+", which is not a file of the archive")
	}
	if err := w.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	w.files++
	return w.root.Link(to, name)
}

func (w *writer) unsafe(entry, why string) error {
	return fault.New(CodeUnsafe, "do not trust this archive; get the file from elsewhere", "the entry %q of %s %s", entry, w.archive, why)
}

func (w *writer) bomb(format string, args ...any) error {
	f := fault.New(CodeBomb, "make room if this is what you expect of it (max_bytes, max_ratio), else get the file from elsewhere", format, args...)
	f.Message = w.archive + " " + f.Message
	return f
}

// explain says what an error of an archive's reader means.
func (w *writer) explain(err error) error {
	var f *fault.Fault
	var p *fs.PathError
	switch {
	case errors.As(err, &f):
		return f
	case w.ctx.Err() != nil:
		return context.Cause(w.ctx)
	case errors.Is(err, unix.ENOSPC):
		return fault.New(CodeDiskFull, "make room, then run the recipe again", "the disk became full while %s was unpacked", w.archive)
	case errors.As(err, &p):
		// An [os.Root] refuses what would lead out of it.
		return w.unsafe(p.Path, "cannot be written: "+p.Err.Error())
	}
	return fault.New(CodeDamaged, "fetch it again, or get it from elsewhere", "%s is damaged: %v", w.archive, err)
}
