package launcher

import (
	"debug/elf"
	"path/filepath"
	"strings"
)

// libpythonDir returns the directory that LD_LIBRARY_PATH must hold for the
// interpreter to find its libpython. It is not needed where the interpreter
// contains it, as conda's does, or names its place by itself.
func libpythonDir(interpreter string) (dir string, needed bool) {
	real, err := filepath.EvalSymlinks(interpreter)
	if err != nil {
		return "", false
	}
	f, err := elf.Open(real)
	if err != nil {
		return "", false // a script, such as pyenv's shims
	}
	defer func() { _ = f.Close() }()
	libraries, err := f.ImportedLibraries()
	if err != nil {
		return "", false
	}
	name := ""
	for _, l := range libraries {
		if strings.HasPrefix(l, "libpython") {
			name = l
		}
	}
	if name == "" {
		return "", false
	}
	bin := filepath.Dir(real)
	for _, tag := range []elf.DynTag{elf.DT_RUNPATH, elf.DT_RPATH} {
		paths, _ := f.DynString(tag)
		for _, list := range paths {
			for _, d := range filepath.SplitList(list) {
				d = strings.NewReplacer("$ORIGIN", bin, "${ORIGIN}", bin).Replace(d)
				if exists(filepath.Join(d, name)) {
					return "", false
				}
			}
		}
	}
	for _, d := range []string{filepath.Join(bin, "..", "lib"), filepath.Join(bin, "..", "lib64")} {
		if exists(filepath.Join(d, name)) {
			return filepath.Clean(d), true
		}
	}
	return "", false // in the system's own library path
}
