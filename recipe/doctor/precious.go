package doctor

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
)

const (
	mostLooked = 20_000   // files; a cache may hold millions
	mostNamed  = 5        // of them, the largest
	worthIt    = 16 << 20 // bytes; smaller ones are quickly made again
)

// saveFirst names what a reset of the machine's image would take along: the
// largest files in /dev/shm, in the home directory and in what ftd keeps, with
// their sizes.
func (s *Subject) saveFirst() Text {
	type file struct {
		path string
		size int64
	}
	var files []file
	looked := 0
	for _, root := range []string{filepath.Join(s.Root, "/dev/shm"), s.kept(), s.Home} {
		if root == "" {
			continue
		}
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			looked++
			switch {
			case looked > mostLooked:
				return fs.SkipAll
			case err != nil:
				return nil //nolint:nilerr // what cannot be read cannot be saved either
			case d.IsDir() && path != root && strings.HasPrefix(d.Name(), "."): // caches
				return fs.SkipDir
			case d.IsDir() && isEnvironment(path):
				return fs.SkipDir
			}
			info, err := d.Info()
			if err != nil || !info.Mode().IsRegular() || info.Size() < worthIt {
				return nil //nolint:nilerr // it is gone
			}
			if f := (file{path, info.Size()}); !slices.Contains(files, f) {
				files = append(files, f)
			}
			return nil
		})
	}
	if len(files) == 0 {
		return say("save first what you need of /dev/shm and the home directory", "请先保存 /dev/shm 与主目录中需要的内容")
	}
	slices.SortFunc(files, func(a, b file) int { return cmp.Or(cmp.Compare(b.size, a.size), cmp.Compare(a.path, b.path)) })
	names := make([]string, 0, mostNamed)
	for _, f := range files[:min(len(files), mostNamed)] {
		names = append(names, f.path+" ("+humanize.Bytes(uint64(f.size))+")")
	}
	return say("save first: %s", "请先保存：%s", strings.Join(names, ", "))
}

// kept is where ftd keeps what trainings have made: usually in a directory
// whose name begins with a dot.
func (s *Subject) kept() string {
	if dir := s.variable("FTD_STATE_DIR"); dir != "" {
		return dir
	}
	if dir := s.variable("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "ftd")
	}
	if s.Home == "" {
		return ""
	}
	return filepath.Join(s.Home, ".local/state/ftd")
}

// reset is the remedy where perhaps nothing else is left; the sentences end with
// the condition under which it is so.
func (s *Subject) reset(en, zh string) Text {
	first := s.saveFirst()
	return Text{EN: en + ", only a reset of the machine's image helps; " + first.EN, ZH: zh + "，则只有重置机器镜像才有用；" + first.ZH}
}

// isEnvironment says whether a directory is one that a reset brings back.
func isEnvironment(dir string) bool {
	for _, name := range []string{"pyvenv.cfg", "conda-meta"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}
