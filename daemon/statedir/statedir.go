// Package statedir is the directory that holds everything the daemon keeps:
//
//	ftd.lock           held by the daemon that runs here; its process id
//	journal.db         what is known: package journal
//	runs/JOB/ATTEMPT/  what each attempt at a step wrote
//	results/KEY/       what steps made that later jobs can use again
//	lib/HASH/          the Python files that are shipped inside the program
//	crash/             what the Go runtime said when a daemon died
//
// [Open] makes it, closes it to other users and takes the lock, so that two
// daemons never work on one directory.
package statedir

import (
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
func Open(path string) (*Dir, error) {
	// 0700: spec.json holds the environments of trainings, tokens included.
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, api.Errorf(api.CodeSettings, "the state directory cannot be made: %v", err).
			WithRemedy("choose another one with --state-dir or FTD_STATE_DIR")
	}
	lock, err := takeLock(path)
	if err != nil {
		return nil, err
	}
	d := &Dir{path: path, lock: lock}
	for _, sub := range []string{"runs", "results", "lib", "crash"} {
		if err := os.MkdirAll(filepath.Join(path, sub), 0o700); err != nil {
			lock.Close()
			return nil, api.Errorf(api.CodeSettings, "the state directory cannot be used: %v", err)
		}
	}
	return d, nil
}

func takeLock(dir string) (*os.File, error) {
	path := filepath.Join(dir, "ftd.lock")
	lock, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, api.Errorf(api.CodeSettings, "the state directory cannot be used: %v", err).
			WithRemedy("choose one of your own with --state-dir or FTD_STATE_DIR")
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer lock.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, api.Errorf(api.CodeSettings, "%s cannot be locked: %v", path, err)
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

// Path is the directory itself.
func (d *Dir) Path() string { return d.path }

// Journal is the path of the journal.
func (d *Dir) Journal() string { return filepath.Join(d.path, "journal.db") }

// Job is the directory of a job's attempts.
func (d *Dir) Job(job string) string { return filepath.Join(d.path, "runs", job) }

// Attempt is the run directory of one attempt.
func (d *Dir) Attempt(job, attempt string) string { return filepath.Join(d.path, "runs", job, attempt) }

// Results is the directory of reusable results.
func (d *Dir) Results() string { return filepath.Join(d.path, "results") }

// Crash is the directory for what the Go runtime says when it dies.
func (d *Dir) Crash() string { return filepath.Join(d.path, "crash") }

// Materialise writes the files below files to lib/HASH/, named by their
// content, and returns that directory. Python needs real files. A directory
// that is there is complete, since it got its name last.
func (d *Dir) Materialise(files fs.FS) (string, error) {
	sum, err := hash(files)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(d.path, "lib", sum)
	if _, err := os.Stat(dir); err == nil {
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
	return dir, os.Rename(filepath.Join(temp, sum), dir)
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
