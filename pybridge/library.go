//go:build python

package pybridge

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

//go:embed py/ftd/*.py
var library embed.FS

// writeLibrary brings the bridge's Python side into dir. Files that are
// already right are left alone, so that a second process may do the same.
func writeLibrary(dir string) error {
	return fs.WalkDir(library, "py", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := library.ReadFile(path)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel("py", path)
		if err != nil {
			return err
		}
		target := filepath.Join(dir, relative)
		if old, err := os.ReadFile(target); err == nil && bytes.Equal(old, content) {
			return nil
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return fmt.Errorf("ftd's Python files: %w", err)
		}
		if err := renameio.WriteFile(target, content, 0o644); err != nil {
			return fmt.Errorf("ftd's Python files: %w", err)
		}
		return nil
	})
}
