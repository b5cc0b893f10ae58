package recipe

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dustin/go-humanize"

	"ftd/recipe/fetch"
	"ftd/recipe/lfs"
)

// lfsKind puts the files themselves where a clone without git-lfs has left
// pointers. The directory with the pointers stays as it is: the result is
// another one, with all of its files.
type lfsKind struct{}

func (lfsKind) Params() []Param {
	return append([]Param{
		{Name: "dir", Type: Dir, Required: true, Doc: "a directory that may hold pointers; without one it is used as it is"},
		{Name: "source", Type: Location, Default: "", Doc: "the repository, by its address as git clone takes it; or a directory with the files"},
		{Name: "mirrors", Type: Locations, Default: []string{}, Doc: "other repositories and directories, tried next; empty ones are left out"},
		{Name: "only", Type: Text, Default: "*", Doc: "a pattern of the names to fetch, such as *.bin; other pointers are left out"},
		{Name: "size", Type: Integer, Least: new(int64(0)), Default: int64(0), Doc: "about how many bytes they are, for a plan while the pointers are not there; 0: not known"},
	}, secretParams()...)
}

func (lfsKind) Outputs() []string { return []string{"dir", "files", "bytes"} }

// pointers are those of the step's directory, of the names that are wanted.
func (lfsKind) pointers(s *StepContext) (wanted []lfs.Pointer, all map[string]bool, err error) {
	found, err := lfs.Find(s.text("dir"))
	if err != nil {
		return nil, nil, inputProblem(Param{Name: "dir", Type: Dir}, s.text("dir"), err)
	}
	all = map[string]bool{}
	for _, p := range found {
		all[p.Path] = true
		if matches(s.text("only"), p.Path) {
			wanted = append(wanted, p)
		}
	}
	return wanted, all, nil
}

func (k lfsKind) Plan(_ context.Context, s *StepContext) (Plan, error) {
	plan := Plan{Summary: fmt.Sprintf("fetch the large files %s of %s", s.text("only"), s.text("dir")), Inputs: inputs(k.Params(), s), Outputs: k.Outputs()}
	var shown []string
	for _, source := range (fetchKind{}).sources(s) {
		shown = append(shown, fetch.Shown(source))
	}
	wanted, _, err := k.pointers(s)
	if err != nil {
		// The directory is not there yet: what it holds is not known.
		plan.Disk = s.about("size")
		plan.Downloads = []Download{{Name: s.text("only"), Sources: shown, Size: plan.Disk}}
		return plan, nil //nolint:nilerr // see above
	}
	plan.Disk = lfs.Total(wanted)
	for _, p := range wanted {
		plan.Downloads = append(plan.Downloads, Download{Name: p.Path, Sources: shown, Size: p.Size, SHA256: p.OID})
	}
	return plan, nil
}

// parts implements [partly].
func (k lfsKind) parts(s *StepContext) (names []string) {
	wanted, _, _ := k.pointers(s)
	for _, p := range wanted {
		names = append(names, p.OID+".part")
	}
	return names
}

// Key leaves out where the files come from: their checksums are in the pointers.
func (k lfsKind) Key(ctx context.Context, s *StepContext) (string, error) {
	return inputKey(ctx, s, []Param{k.Params()[0], k.Params()[3]})
}

func (k lfsKind) Run(ctx context.Context, s *StepContext) (map[string]string, error) {
	wanted, all, err := k.pointers(s)
	if err != nil {
		return nil, err
	}
	dir := s.text("dir")
	outputs := map[string]string{"dir": dir, "files": fmt.Sprint(len(wanted)), "bytes": fmt.Sprint(lfs.Total(wanted))}
	if len(all) == 0 {
		s.Host.Output(s.Step.ID, dir+" holds no pointers: it is used as it is")
		return outputs, nil
	}
	for _, p := range wanted {
		s.Host.Output(s.Step.ID, fmt.Sprintf("%s is a pointer to %s", p.Path, humanize.IBytes(uint64(p.Size))))
	}
	header, err := secrets(s)
	if err != nil {
		return nil, err
	}
	outputs["dir"] = filepath.Join(s.Dir, "files")
	if len(wanted) > 0 {
		err = lfs.Fetch(ctx, lfs.Request{
			Pointers: wanted, Sources: fetchKind{}.sources(s), Header: header, Dir: outputs["dir"], Parts: partial(s),
			Progress: func(done, total int64, name string) { s.Host.Progress(s.Step.ID, done, total, name) },
			Log:      func(line string) { s.Host.Output(s.Step.ID, line) },
		})
	}
	if err != nil {
		return nil, err
	}
	return outputs, addOthers(dir, outputs["dir"], all)
}

// addOthers gives dir's files that are no pointers a name in target as well.
func addOthers(dir, target string, pointers map[string]bool) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(target, name), 0o755)
		case pointers[filepath.ToSlash(name)]:
			return nil
		case d.Type()&fs.ModeSymlink != 0: // it may lead on from where it is, as in a cache of Hugging Face
			if path, err = filepath.EvalSymlinks(path); err != nil {
				return nil //nolint:nilerr // it leads nowhere
			}
			return os.Symlink(path, filepath.Join(target, name))
		}
		if err := os.Link(path, filepath.Join(target, name)); err == nil {
			return nil
		}
		return os.Symlink(path, filepath.Join(target, name)) // on another filesystem
	})
}

// Verify finds no pointer among the files that were wanted.
func (k lfsKind) Verify(_ context.Context, s *StepContext, outputs map[string]string) error {
	left, err := lfs.Find(outputs["dir"])
	for _, p := range left {
		if matches(s.text("only"), p.Path) {
			return fmt.Errorf("%s is still a pointer", p.Path)
		}
	}
	return err
}
