package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// maxDepth is how deep below a watched directory checkpoints are looked for:
// output/checkpoint/rank_0 is two below output.
const maxDepth = 6

// maxEntries is how many names one look takes in. A link in an output directory
// may lead to all files of the machine.
const maxEntries = 1_000_000

// errTooMany says that a look was given up.
var errTooMany = fmt.Errorf("there are more than %d files below: name the directory of the checkpoints itself", maxEntries)

// seenFile is a file or iteration directory as a scan saw it.
type seenFile struct {
	path     string
	kind     Kind
	size     int64
	modified time.Time
	file     fileID
	// closed says that the file's mode forbids writing: MindSpore sets 0400
	// when it has written everything but, in 2.0 to 2.2, the last buffer.
	closed bool
	// iteration is set for an iteration directory.
	iteration *iteration
}

// fileID tells files apart whatever their names.
type fileID struct{ dev, ino uint64 }

func idOf(info fs.FileInfo) fileID {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return fileID{st.Dev, st.Ino}
	}
	return fileID{}
}

// scan is one look at the watched directories.
type scan struct {
	ctx     context.Context
	files   []seenFile
	dirs    []string // all that were read
	visited map[fileID]bool
	entries int // names that were taken in
	// problems are directories that could not be read, by path.
	problems map[string]error
	// links also lists links to files: for a person who asks for a directory.
	links bool
}

// List returns the checkpoints below a directory, sorted by path: files and
// iteration directories, complete or not, links included.
func List(ctx context.Context, dir string) ([]string, error) {
	if _, err := os.ReadDir(dir); err != nil {
		return nil, openError(dir, err)
	}
	s := &scan{ctx: ctx, visited: map[fileID]bool{}, problems: map[string]error{}, links: true}
	if err := s.whole(filepath.Clean(dir)); err != nil {
		return nil, err
	}
	var paths []string
	for _, f := range s.files {
		if f.kind.Checkpoint() {
			paths = append(paths, f.path)
		}
	}
	slices.Sort(paths)
	return paths, nil
}

// Leftovers returns the temporary files below a directory, sorted by path. Each
// is being written, or was when its writer died.
func Leftovers(ctx context.Context, dir string) ([]string, error) {
	s := &scan{ctx: ctx, visited: map[fileID]bool{}, problems: map[string]error{}}
	if err := s.whole(filepath.Clean(dir)); err != nil {
		return nil, err
	}
	var paths []string
	for _, f := range s.files {
		if f.kind == KindTemporary {
			paths = append(paths, f.path)
		}
	}
	slices.Sort(paths)
	return paths, nil
}

// look lists what is below the directories. One that is not there yet is no
// problem; a directory is read once, however many links lead to it.
func look(ctx context.Context, dirs []string) (*scan, error) {
	s := &scan{ctx: ctx, visited: map[fileID]bool{}, problems: map[string]error{}}
	for _, d := range dirs {
		if err := s.dir(filepath.Clean(d), 0); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(s.files, func(a, b seenFile) int {
		if c := a.modified.Compare(b.modified); c != 0 {
			return c
		}
		return strings.Compare(a.path, b.path)
	})
	return s, nil
}

// whole reads all below a directory, or none of it.
func (s *scan) whole(dir string) error {
	if err := s.dir(dir, 0); err != nil {
		return err
	}
	if s.entries > maxEntries {
		return &ReadError{Path: dir, Reason: errTooMany.Error(), Err: errTooMany}
	}
	return nil
}

func (s *scan) problem(path string, err error) {
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		s.problems[path] = err
	}
}

// dir reads one directory; its error is the context's, all else is a problem.
func (s *scan) dir(path string, depth int) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if s.entries > maxEntries {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		s.problem(path, err)
		return nil
	}
	if id := idOf(info); s.visited[id] {
		return nil
	} else {
		s.visited[id] = true
	}
	if it, ok, err := iterationAt(path); ok && err == nil {
		s.iteration(it)
		return nil
	}
	entries, err := os.ReadDir(path)
	s.problem(path, err)
	s.dirs = append(s.dirs, path)
	if s.entries += len(entries); s.entries > maxEntries {
		s.problem(path, errTooMany)
		return nil
	}
	for _, e := range entries {
		if err := s.entry(filepath.Join(path, e.Name()), e, depth); err != nil {
			return err
		}
	}
	return nil
}

func (s *scan) entry(path string, e fs.DirEntry, depth int) error {
	if e.Type().IsRegular() {
		s.file(path, e.Info)
		return nil
	}
	link := e.Type()&fs.ModeSymlink != 0
	if link {
		// A training's links to files are passed over: mindformers makes some
		// to load from, and the files themselves are found where they lie.
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			if s.links {
				s.file(path, func() (fs.FileInfo, error) { return info, nil })
			}
			return nil
		}
	}
	if (link || e.IsDir()) && depth < maxDepth && e.Name()[0] != '.' {
		return s.dir(path, depth+1)
	}
	return nil
}

func (s *scan) file(path string, stat func() (fs.FileInfo, error)) {
	kind := ParseName(path).Kind
	if !kind.Checkpoint() && kind != KindTemporary {
		return
	}
	info, err := stat()
	if err != nil {
		s.problem(path, err) // usually it vanished just now
		return
	}
	s.files = append(s.files, seenFile{path: path, kind: kind, size: info.Size(), modified: info.ModTime(),
		file: idOf(info), closed: info.Mode().Perm()&0o222 == 0})
}

// iteration sums an iteration directory up, in the same way as its verdict.
func (s *scan) iteration(it iteration) {
	f := seenFile{path: it.path, kind: KindTraining, modified: it.info.ModTime(), file: idOf(it.info),
		closed: true, iteration: &it}
	s.dirs = append(s.dirs, it.path)
	entries, err := os.ReadDir(it.path)
	s.problem(it.path, err)
	for _, e := range entries {
		if !shardParts().MatchString(e.Name()) {
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue
		}
		f.size += info.Size()
		if info.ModTime().After(f.modified) {
			f.modified = info.ModTime()
		}
	}
	s.files = append(s.files, f)
}
