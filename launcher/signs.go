package launcher

import (
	"encoding/binary"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"

	"ftd/launcher/watchdog"
)

// cacheFiles is how many files of the compile caches are looked at: a cache
// that many trainings share may hold far more, and a look must stay cheap.
const cacheFiles = 5000

// Signs gathers the signs of life that a watchdog judges by. If the logs do not
// hold as many bytes as at the last look, log, that is life enough, and nothing
// that costs more is looked at. caches asks to look into the compile caches
// too, which is of use before the first step; after it the directories of
// checkpoints are.
func (r *Run) Signs(log int64, caches bool) (watchdog.Signs, error) {
	var s watchdog.Signs
	for _, path := range r.Logs() {
		if info, err := os.Stat(path); err == nil {
			s.Log += info.Size()
		}
	}
	if s.Log != log {
		s.LogOnly = true
		return s, nil
	}
	v, err := r.Vitals()
	if err != nil {
		return s, err
	}
	s.CPU, s.Processes, s.Stuck, s.Suspended = v.CPU, v.Processes, v.Stuck, v.Suspended
	if caches {
		s.Cache = fingerprint(r.compileCaches())
	} else {
		s.Saves = fingerprint(checkpointDirs(r.spec))
	}
	return s, nil
}

// Logs returns the paths of all logs that the run has so far: its own, and
// those of the ranks of a launcher.
func (r *Run) Logs() []string {
	return append([]string{r.Log()}, r.rankLogs()...)
}

// compileCaches are the directories into which the compilers of MindSpore and
// CANN write: kernel_meta where the training runs, and the one it was given.
func (r *Run) compileCaches() []string {
	dirs := []string{r.absolute("kernel_meta")}
	for _, name := range []string{"MS_COMPILER_CACHE_PATH", "ASCEND_CACHE_PATH"} {
		if dir := variable(r.spec.Env, name); dir != "" {
			dirs = append(dirs, r.absolute(dir))
		}
	}
	return dirs
}

// absolute is a path as the training means it.
func (r *Run) absolute(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(r.spec.Dir, path)
}

// fingerprint is a number that changes with the files below dirs; never 0.
func fingerprint(dirs []string) uint64 {
	sum, files := uint64(1), 0
	for _, dir := range dirs {
		// What cannot be read says nothing; the rest still does.
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return nil //nolint:nilerr // the rest still counts
			}
			if files++; files > cacheFiles {
				return filepath.SkipAll
			}
			info, err := d.Info()
			if err != nil {
				return nil //nolint:nilerr // it is gone already
			}
			h := fnv.New64a()
			_, _ = h.Write([]byte(path))
			_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, uint64(info.Size())))
			_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, uint64(info.ModTime().UnixNano())))
			sum += h.Sum64()
			return nil
		})
	}
	return max(sum, 1)
}
