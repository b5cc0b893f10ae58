package recipe

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// manifestOutput is the output that every kept result has beside those of its
// kind: the list of its files, by which damage is found later.
const (
	manifestOutput = "manifest"
	manifestFile   = "manifest.json"
)

// fileStamp is what a file looked like when the result was made.
type fileStamp struct {
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
}

// writeManifest lists the files below dir in dir/manifest.json.
func writeManifest(dir string) (string, error) {
	stamps, err := stampFiles(dir)
	if err != nil {
		return "", err
	}
	text, err := json.MarshalIndent(stamps, "", " ")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, manifestFile)
	return path, os.WriteFile(path, append(text, '\n'), 0o644)
}

// checkManifest compares the files of a stored result with its manifest.
func checkManifest(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var then map[string]fileStamp
	if err := json.Unmarshal(text, &then); err != nil {
		return fmt.Errorf("%s is damaged: %w", path, err)
	}
	now, err := stampFiles(filepath.Dir(path))
	if err != nil {
		return err
	}
	for _, name := range sorted(then) {
		switch stamp, ok := now[name]; {
		case !ok:
			return fmt.Errorf("%s is gone", name)
		case stamp.Size != then[name].Size || !stamp.Modified.Equal(then[name].Modified):
			return fmt.Errorf("%s was changed", name)
		}
	}
	return nil
}

func stampFiles(dir string) (map[string]fileStamp, error) {
	stamps := map[string]fileStamp{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || name == manifestFile {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		stamps[name] = fileStamp{Size: info.Size(), Modified: info.ModTime().UTC()}
		return err
	})
	return stamps, err
}
