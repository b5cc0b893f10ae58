package recipe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Look is what can be seen of a file without reading it. A file that looks as
// it did has the content that it had: whoever writes to it changes the time of
// its inode, which no program can set back.
type Look struct {
	Device, Inode     uint64
	Size              int64
	Modified, Changed int64 // in nanoseconds since 1970
}

// settled is how long a file must have been left alone before its look is
// remembered: within one tick of the clock a second write would not show.
const settled = 2 * time.Second

func lookOf(info fs.FileInfo) (Look, bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return Look{}, false
	}
	look := Look{
		Device: stat.Dev, Inode: stat.Ino, Size: stat.Size,
		Modified: stat.Mtim.Nano(), Changed: stat.Ctim.Nano(),
	}
	newest := time.Unix(0, max(look.Modified, look.Changed))
	return look, time.Since(newest) > settled
}

// hashPath adds the content of a file, or of all files in a directory, to h.
// Files are read once: weights of many gigabytes are told by their looks when
// the recipe runs again.
func hashPath(ctx context.Context, results Results, h hash.Hash, path string) error {
	if strings.HasPrefix(path, builtinPrefix) {
		content, err := readSource(path)
		h.Write(content)
		return err
	}
	return filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "__pycache__" { // Python's, which comes and goes
			return fs.SkipDir
		}
		info, err := os.Stat(file) // what a link leads to
		if err != nil || info.IsDir() {
			return err
		}
		name, err := filepath.Rel(path, file)
		if err != nil {
			return err
		}
		sum, err := content(ctx, results, file, info)
		fmt.Fprintf(h, "file %q %s\n", name, sum)
		return err
	})
}

// content returns the SHA-256 of a file in hexadecimal digits.
func content(ctx context.Context, results Results, path string, info fs.FileInfo) (string, error) {
	look, known := lookOf(info)
	if known {
		if sum, ok := results.Content(ctx, path, look); ok {
			return sum, nil
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, untilDone{ctx, f}); err != nil {
		return "", err
	}
	sum := hex.EncodeToString(h.Sum(nil))
	if known {
		results.PutContent(ctx, path, look, sum)
	}
	return sum, nil
}

// untilDone is a reader that ends with its context.
type untilDone struct {
	ctx context.Context //nolint:containedctx // a reader has no other place for it
	io.Reader
}

func (r untilDone) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.Reader.Read(p)
}
