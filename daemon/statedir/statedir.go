// Package statedir is the directory that holds everything the daemon keeps:
//
//	ftd.lock           held by the daemon that runs here; its process id
//	journal.db         what is known: package journal
//	runs/JOB/ATTEMPT/  what each attempt at a step wrote
//	partial/           what is half fetched
//	envs/NAME/         Python environments that steps created
//	results/KEY/       what steps made that later jobs can use again
//	lib/HASH/          the Python files that are shipped inside the program
//	crash/             what the Go runtime said when a daemon died
//
// [Open] makes it, closes it to other users and takes the lock, so that two
// daemons never work on one directory.
package statedir

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"ftd/api"
)

// Dir is a state directory that this process has locked.
type Dir struct {
	path string
	lock *os.File
}

// Open makes the directory if need be and locks it. The lock belongs to the
// open file, so it ends with this process, however that ends.
func Open(path string) (*Dir, error) { return OpenHeld(path, nil) }

// OpenHeld is Open for a daemon that was given the lock by the one before it:
// held is the open lock file, nil if it was not.
func OpenHeld(path string, held *os.File) (*Dir, error) {
	// 0700: spec.json holds the environments of trainings, tokens included.
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, api.Errorf(api.CodeSettings, "the state directory cannot be made: %v", err).
			WithRemedy("choose another one with --state-dir or FTD_STATE_DIR")
	}
	lock, err := takeLock(path, held)
	if err != nil {
		return nil, err
	}
	d := &Dir{path: path, lock: lock}
	for _, sub := range []string{"runs", "results", "partial", "envs", "lib", "crash"} {
		if err := os.MkdirAll(filepath.Join(path, sub), 0o700); err != nil {
			lock.Close()
			return nil, api.Errorf(api.CodeSettings, "the state directory cannot be used: %v", err).
				WithRemedy("choose another one with --state-dir or FTD_STATE_DIR")
		}
	}
	return d, nil
}

func takeLock(dir string, lock *os.File) (*os.File, error) {
	path := filepath.Join(dir, "ftd.lock")
	var err error
	if lock == nil {
		lock, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	}
	if err != nil {
		return nil, api.Errorf(api.CodeSettings, "the state directory cannot be used: %v", err).
			WithRemedy("choose one of your own with --state-dir or FTD_STATE_DIR")
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer lock.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, api.Errorf(api.CodeSettings, "%s cannot be locked: %v", path, err).
				WithRemedy("choose a directory on a disk that knows locks, with --state-dir")
		}
		pid := make([]byte, 16)
		n, _ := lock.ReadAt(pid, 0)
		return nil, api.Errorf(api.CodeStateInUse, "a daemon (process %s) already works on the state directory %s", strings.TrimSpace(string(pid[:n])), dir).
			WithRemedy("use that one, stop it with `kill %s`, or choose another directory with --state-dir", strings.TrimSpace(string(pid[:n])))
	}
	err = lock.Truncate(0)
	if err == nil {
		_, err = lock.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	}
	if err != nil {
		lock.Close()
		return nil, api.Errorf(api.CodeDiskFull, "the state directory %s cannot be written: %v", dir, err).
			WithRemedy("free some space there, or choose another directory with --state-dir")
	}
	return lock, nil
}

// Close gives the directory up.
func (d *Dir) Close() error { return d.lock.Close() }

// Lock is the open lock file; who else has it open holds the lock too.
func (d *Dir) Lock() *os.File { return d.lock }

// Path is the directory itself.
func (d *Dir) Path() string { return d.path }

// Journal is the path of the journal.
func (d *Dir) Journal() string { return JournalOf(d.path) }

// Notified is the file that keeps up to which event people were notified.
func (d *Dir) Notified() string { return filepath.Join(d.path, "notified.json") }

// JournalOf is the path of the journal of a state directory.
func JournalOf(dir string) string { return filepath.Join(dir, "journal.db") }

// Job is the directory of a job's attempts.
func (d *Dir) Job(job string) string { return filepath.Join(d.path, "runs", job) }

// Attempt is the run directory of one attempt.
func (d *Dir) Attempt(job, attempt string) string { return filepath.Join(d.path, "runs", job, attempt) }

// Results is the directory of reusable results.
func (d *Dir) Results() string { return ResultsIn(d.path) }

// Place is where what does not fit into this directory lies below another one,
// such as /dev/shm: in a directory of this daemon's own, which [MakePlace] makes.
func (d *Dir) Place(below string) string {
	sum := sha256.Sum256([]byte(d.path))
	return filepath.Join(below, fmt.Sprintf("ftd-%d-%x", os.Geteuid(), sum[:4]))
}

// ResultsIn is the directory of reusable results in a place, or in a state
// directory.
func ResultsIn(place string) string { return filepath.Join(place, "results") }

// MakePlace makes a place, closed to other users. Others may write where it
// lies: a directory or link of theirs is refused.
func MakePlace(place string) error {
	if err := os.Mkdir(place, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	var stat unix.Stat_t
	if err := unix.Lstat(place, &stat); err != nil {
		return &fs.PathError{Op: "lstat", Path: place, Err: err}
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFDIR || int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("%s is not a directory of this user's", place)
	}
	for _, sub := range []string{"results", "partial"} {
		if err := os.MkdirAll(filepath.Join(place, sub), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// Partial is the directory of what is half fetched, and goes on next time.
func (d *Dir) Partial() string { return filepath.Join(d.path, "partial") }

// Environments is the directory of the Python environments that steps create.
func (d *Dir) Environments() string { return filepath.Join(d.path, "envs") }

// Stray is where threads of Python write that a step has left behind.
func (d *Dir) Stray() string { return filepath.Join(d.path, "python.log") }

// Crash is the directory for what the Go runtime says when it dies.
func (d *Dir) Crash() string { return filepath.Join(d.path, "crash") }

// Materialise writes the files below files to lib/HASH/, named by their
// content, and returns that directory. Python needs real files. A directory
// that is there is taken as it is if it holds them all: one that was written
// shortly before a power cut may hold empty files. Those of other versions stay:
// trainings that an older daemon has started go on importing from theirs, and
// each is a few hundred kilobytes.
func (d *Dir) Materialise(files fs.FS) (string, error) {
	sum, err := hash(files)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(d.path, "lib", sum)
	if holds(dir, files) {
		return dir, nil
	}
	temp, err := os.MkdirTemp(filepath.Join(d.path, "lib"), ".new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temp)
	if err := os.CopyFS(filepath.Join(temp, sum), files); err != nil {
		return "", err
	}
	if err := os.Rename(dir, filepath.Join(temp, "damaged")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return dir, os.Rename(filepath.Join(temp, sum), dir)
}

// holds reports whether each of the files is in dir, with the same content.
// Python puts others beside them.
func holds(dir string, files fs.FS) bool {
	return fs.WalkDir(files, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		want, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		have, err := os.ReadFile(filepath.Join(dir, path))
		if err == nil && !bytes.Equal(have, want) {
			err = errors.New("damaged")
		}
		return err
	}) == nil
}

// hash is over names and contents in lexical order.
func hash(files fs.FS) (string, error) {
	h := sha256.New()
	err := fs.WalkDir(files, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, path)
		fmt.Fprintf(h, "%s\x00%d\x00", path, len(data))
		h.Write(data)
		return err
	})
	return hex.EncodeToString(h.Sum(nil))[:16], err
}
