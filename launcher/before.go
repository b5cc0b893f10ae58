package launcher

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"ftd/checkpoint"
)

// beforeFile in a run directory lists the checkpoints that were there when the
// run began. By their times alone they cannot be told from those that it makes:
// the clock of the machine is set now and then, and a file server has its own.
const beforeFile = "before.json"

// stamp changes when a file is written again.
type stamp struct {
	Size     int64  `json:"size"`
	Modified int64  `json:"modified"` // nanoseconds
	Inode    uint64 `json:"inode"`
}

// stampOf looks at a file, or at all of an iteration directory.
func stampOf(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	s := stamp{Size: info.Size(), Modified: info.ModTime().UnixNano()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		s.Inode = st.Ino
	}
	if !info.IsDir() {
		return s, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return stamp{}, err
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			s.Size += info.Size()
			s.Modified = max(s.Modified, info.ModTime().UnixNano())
		}
	}
	return s, nil
}

// noteCheckpoints writes beforeFile.
func noteCheckpoints(ctx context.Context, dir string, spec Spec) error {
	there := map[string]stamp{}
	for _, from := range checkpointDirs(spec) {
		// One that is not there holds none, and one that cannot be read is the
		// training's own trouble: who follows it says so.
		paths, _ := checkpoint.List(ctx, from)
		for _, path := range paths {
			if s, err := stampOf(path); err == nil { // else it is gone again
				there[path] = s
			}
		}
	}
	text, err := json.Marshal(there)
	if err = errors.Join(err, ctx.Err()); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, beforeFile), text, 0o640)
}

// Made returns what tells the checkpoints that the run has made from those that
// were there before it.
func (r *Run) Made() func(path string) bool {
	var there map[string]stamp
	text, err := os.ReadFile(filepath.Join(r.dir, beforeFile))
	if err == nil {
		err = json.Unmarshal(text, &there)
	}
	if err != nil { // an older version has launched it: the times must do
		began := r.Shim().Started.Add(-clockGrain)
		return func(path string) bool {
			info, err := os.Stat(path)
			return err == nil && !info.ModTime().Before(began)
		}
	}
	return func(path string) bool {
		s, err := stampOf(path)
		return err == nil && there[path] != s
	}
}

// clockGrain is how far the times of files may be behind those of programs.
const clockGrain = 2 * time.Second

// checkpointDirs are the absolute paths of Spec.Checkpoints.
func checkpointDirs(spec Spec) []string {
	dirs := make([]string, len(spec.Checkpoints))
	for i, dir := range spec.Checkpoints {
		if dirs[i] = dir; !filepath.IsAbs(dir) {
			dirs[i] = filepath.Join(spec.Dir, dir)
		}
	}
	return dirs
}
