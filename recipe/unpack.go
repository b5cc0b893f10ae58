package recipe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ftd/recipe/fault"
	"ftd/recipe/nearest"
	"ftd/recipe/unpack"
)

// unpackKind takes an archive apart. A directory is one that was taken apart
// before, and stays where it is.
type unpackKind struct{}

func (unpackKind) Params() []Param {
	return []Param{
		{Name: "archive", Type: File, Required: true, Doc: "a zip, tar, tar.gz, tar.bz2 or tar.xz; or a directory, or with find: any other file, which is used as it is"},
		{Name: "find", Type: Text, Default: "", Doc: "a name or pattern such as *.json, of which there must be one file: the output `file`"},
		{Name: "max_bytes", Type: Integer, Least: new(int64(0)), Default: int64(0), Doc: "the most that may come out of it; 0: what the disk has free"},
		{Name: "max_ratio", Type: Integer, Least: new(int64(0)), Default: int64(0), Doc: "how many bytes may come out for one byte; 0: 250"},
	}
}

func (unpackKind) Outputs() []string { return []string{"dir", "file", "files", "bytes"} }

func (k unpackKind) Plan(_ context.Context, s *StepContext) (Plan, error) {
	plan := Plan{Summary: "unpack " + s.text("archive"), Inputs: inputs(k.Params(), s), Outputs: k.Outputs()}
	info, err := os.Stat(s.text("archive"))
	switch {
	case err != nil:
		plan.Disk = s.size("archive") // at least: what comes out of it is not known yet
	case !info.IsDir() && (s.text("find") == "" || !matches(s.text("find"), s.text("archive"))):
		plan.Disk = unpack.Size(s.text("archive"))
	}
	return plan, nil
}

func (k unpackKind) Key(ctx context.Context, s *StepContext) (string, error) {
	return inputKey(ctx, s, k.Params())
}

func (k unpackKind) Run(ctx context.Context, s *StepContext) (map[string]string, error) {
	archive := s.text("archive")
	info, err := os.Stat(archive)
	if err != nil {
		return nil, inputProblem(Param{Name: "archive", Type: File}, archive, err)
	}
	outputs := map[string]string{"dir": archive, "file": "", "files": "", "bytes": ""}
	switch find := s.text("find"); {
	case info.IsDir():
	case find != "" && matches(find, archive):
		outputs["dir"], outputs["file"] = filepath.Dir(archive), archive
		return outputs, nil
	case slices.Contains([]string{".bin", ".pt", ".pth", ".safetensors", ".ckpt"}, filepath.Ext(archive)):
		// Those of torch are zips, of which nothing can be made once they are apart.
		return nil, fault.New(unpack.CodeFormat, orDirectory, "%s is a file of weights and no archive", archive)
	default:
		dir := filepath.Join(s.Dir, "files")
		maxBytes, _ := s.With["max_bytes"].(int64)
		maxRatio, _ := s.With["max_ratio"].(int64)
		summary, err := unpack.Unpack(ctx, archive, dir, unpack.Limits{Bytes: maxBytes, Ratio: maxRatio}, func(done, total int64) {
			s.Host.Progress(s.Step.ID, done, total, filepath.Base(archive))
		})
		var f *fault.Fault
		if errors.As(err, &f) && f.Code == unpack.CodeFormat {
			return nil, fault.New(f.Code, f.Remedy+"; "+orDirectory, "%s", f.Message)
		}
		if err != nil {
			return nil, err
		}
		s.Host.Output(s.Step.ID, fmt.Sprintf("%s: %d files, %d bytes", summary.Format, summary.Files, summary.Bytes))
		outputs["dir"], outputs["files"], outputs["bytes"] = onlyDir(dir), fmt.Sprint(summary.Files), fmt.Sprint(summary.Bytes)
	}
	if s.text("find") != "" {
		outputs["file"], err = findOne(outputs["dir"], s.text("find"))
	}
	return outputs, err
}

func matches(pattern, path string) bool {
	ok, err := filepath.Match(pattern, filepath.Base(path))
	return err == nil && ok
}

// orDirectory is what else an archive may be.
const orDirectory = "or name the directory with what is in it"

// onlyDir is the one directory that dir holds and nothing else, or dir itself:
// many archives hold such a directory, and those made on a Mac another beside it.
func onlyDir(dir string) string {
	entries, err := os.ReadDir(dir)
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool { return e.Name() == "__MACOSX" })
	if err == nil && len(entries) == 1 && entries[0].IsDir() {
		return filepath.Join(dir, entries[0].Name())
	}
	return dir
}

// findOne returns the one file below dir whose name fits.
func findOne(dir, pattern string) (string, error) {
	var found, all []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		all = append(all, d.Name())
		if matches(pattern, path) && !strings.Contains(path, "__MACOSX") {
			found = append(found, path)
		}
		return nil
	})
	switch {
	case err != nil:
		return "", err
	case len(found) == 1:
		return found[0], nil
	case len(found) == 0:
		return "", &Problem{Code: CodeData, Message: fmt.Sprintf("%s holds no file %s", dir, pattern), Remedy: nearest.Remedy(pattern, all)}
	}
	slices.Sort(found)
	return "", &Problem{
		Code: CodeData, Message: fmt.Sprintf("%s holds %d files %s: %s", dir, len(found), pattern, strings.Join(found, ", ")),
		Remedy: "give find: a pattern that only one has",
	}
}

func (unpackKind) Verify(_ context.Context, s *StepContext, outputs map[string]string) error {
	path := outputs["dir"]
	if s.text("find") != "" {
		path = outputs["file"]
	}
	_, err := os.Stat(path)
	return err
}
