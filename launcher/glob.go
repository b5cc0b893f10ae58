package launcher

import (
	"io/fs"
	"os"
	"path/filepath"
)

// Glob is [filepath.Glob] below dir: only pattern is one. What a person called
// the directory is taken as it is, "env [1]" too.
func Glob(dir, pattern string) []string {
	if dir == "" {
		return nil
	}
	found, _ := fs.Glob(os.DirFS(dir), pattern) // the patterns are well-formed
	for i, path := range found {
		found[i] = filepath.Join(dir, path)
	}
	return found
}
