package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// stateSuffix ends the name of the file beside a part that says what it is of.
const stateSuffix = ".json"

// partState is what must be the same for a part to be gone on with.
type partState struct {
	Source string `json:"source"`
	// Validator is the ETag (a strong one) or the Last-Modified of the file.
	Validator string `json:"validator,omitempty"`
	Size      int64  `json:"size,omitempty"`
}

// part is a file on its way.
type part struct{ *os.File }

// openPart opens path for writing at offset; what is behind it is cut off.
func openPart(path string, state partState, offset int64) (*part, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	p := &part{f}
	text, err := json.Marshal(state)
	if err == nil {
		err = writeFile(path+stateSuffix, text)
	}
	if err == nil {
		err = f.Truncate(offset)
	}
	if err == nil {
		_, err = f.Seek(offset, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return p, nil
}

// readState returns what is known about a part; the zero state is nothing.
func readState(path string) partState {
	var state partState
	text, err := os.ReadFile(path + stateSuffix)
	if err != nil || json.Unmarshal(text, &state) != nil {
		return partState{}
	}
	return state
}

func partSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

func (p *part) sum() (digest string, size int64, err error) {
	if _, err := p.Seek(0, io.SeekStart); err != nil {
		return "", 0, err
	}
	h := sha256.New()
	size, err = io.Copy(h, p.File)
	return hex.EncodeToString(h.Sum(nil)), size, err
}

func (p *part) discard() {
	os.Remove(p.Name())
	os.Remove(p.Name() + stateSuffix)
}

// lock keeps two fetches from writing one part.
type lock struct{ *os.File }

// lockPart waits until nobody else writes the part.
func lockPart(ctx context.Context, r Request) (lock, error) {
	if err := os.MkdirAll(filepath.Dir(r.Part), 0o700); err != nil {
		return lock{}, err
	}
	for told := false; ; {
		l, err := tryLock(r.Part + ".lock")
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return l, err
		}
		if !told {
			told = true
			r.Log(filepath.Base(r.Target) + " is being fetched by another job: waiting for it")
		}
		select {
		case <-ctx.Done():
			return lock{}, context.Cause(ctx)
		case <-time.After(time.Second):
		}
	}
}

func tryLock(path string) (lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return lock{}, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil && !isStill(f, path) { // whoever held it has removed it meanwhile
		err = unix.EWOULDBLOCK
	}
	if err != nil {
		f.Close()
		return lock{}, err
	}
	return lock{f}, nil
}

// isStill says whether f is the file that is called path.
func isStill(f *os.File, path string) bool {
	ours, err := f.Stat()
	there, thereErr := os.Stat(path)
	return err == nil && thereErr == nil && os.SameFile(ours, there)
}

// release leaves nothing behind. The file goes before the lock does: nobody may
// get a lock on one that is about to go.
func (l lock) release() {
	os.Remove(l.Name())
	l.Close()
}
