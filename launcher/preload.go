package launcher

import (
	"debug/elf"
	"os"
	"path/filepath"
	"strings"
)

// Preload is a library that must be loaded before all others.
//
// A library with thread-local variables of the fast ("static") kind can only
// be loaded while there is room left for them in the block that was made when
// the program started. libgomp is such a library, torch and scikit-learn bring
// their own copies, and on aarch64 the room is usually gone when they are
// imported after MindSpore: "cannot allocate memory in static TLS block".
// Loaded at the start, they always find room.
type Preload struct {
	Path string
	Why  string
}

// bundled are the places of OpenMP libraries below an environment's
// site-packages, with the package that brings them.
var bundled = []struct{ pattern, by string }{
	{"torch/lib/libgomp-*.so*", "torch"},
	{"torch.libs/libgomp*.so*", "torch"},
	{"scikit_learn.libs/libgomp*.so*", "scikit-learn"},
}

// FindPreload returns the libraries of the Python environment at prefix that
// must be loaded first, the most urgent one first; none if neither torch nor
// scikit-learn is installed there. Files of another architecture are left out.
func FindPreload(prefix string) []Preload {
	var found []Preload
	seen := map[string]bool{}
	machine := machineOf(filepath.Join(prefix, "bin", "python"))
	if machine == elf.EM_NONE { // a script that finds the interpreter, as pyenv's
		machine = machineOf("/proc/self/exe")
	}
	take := func(path, why string) {
		real, err := filepath.EvalSymlinks(path)
		if err != nil || seen[real] || !loadable(real, machine) {
			return
		}
		seen[real] = true
		found = append(found, Preload{Path: path, Why: why})
	}
	installed := ""
	for _, lib := range []string{"lib", "lib64"} { // lib64 is a link to lib in a venv
		site := lib + "/python*/site-packages/"
		for _, b := range bundled {
			for _, path := range Glob(prefix, site+b.pattern) {
				take(path, b.by+"'s OpenMP library must be loaded before MindSpore, or there may be no room left for its thread-local variables (\"cannot allocate memory in static TLS block\")")
			}
		}
		for _, p := range []string{"torch", "sklearn"} {
			if installed == "" && len(Glob(prefix, site+p+"/__init__.py")) > 0 {
				installed = p
			}
		}
	}
	if installed != "" {
		take(filepath.Join(prefix, "lib", "libgomp.so.1"),
			"the environment's OpenMP library, which "+installed+" uses, must be loaded before MindSpore, or there may be no room left for its thread-local variables")
	}
	return found
}

// MergePreload returns the value of LD_PRELOAD: found first, then what it held
// before, each library once and none that cannot be loaded. The warnings say
// what was left out.
func MergePreload(found []Preload, before string) (value string, warnings []string) {
	var list []string
	seen := map[string]bool{}
	add := func(path string) {
		real, err := filepath.EvalSymlinks(path)
		if err != nil {
			real = path
		}
		if !seen[real] {
			seen[real] = true
			list = append(list, path)
		}
	}
	for _, p := range found {
		if strings.ContainsFunc(p.Path, separates) {
			warnings = append(warnings, "LD_PRELOAD cannot hold "+p.Path+", since there is a blank in it, and it was left out; if trainings die of \"static TLS block\", move the environment to a path without blanks")
			continue
		}
		add(p.Path)
	}
	own := machineOf("/proc/self/exe")
	for _, path := range strings.FieldsFunc(before, separates) {
		switch {
		case !strings.Contains(path, "/"): // a name that the loader looks up
			add(path)
		case !exists(path):
			warnings = append(warnings, "LD_PRELOAD: "+path+" does not exist and was left out")
		case !loadable(path, own):
			warnings = append(warnings, "LD_PRELOAD: "+path+" is not a library for this machine and was left out")
		default:
			add(path)
		}
	}
	return strings.Join(list, ":"), warnings
}

// separates says whether the dynamic loader ends a name in LD_PRELOAD there.
func separates(r rune) bool { return r == ':' || r == ' ' || r == '\t' || r == '\n' }

// machineOf returns the architecture of a program, EM_NONE if it is not known.
func machineOf(path string) elf.Machine {
	f, err := elf.Open(path)
	if err != nil {
		return elf.EM_NONE
	}
	defer func() { _ = f.Close() }()
	return f.Machine
}

// loadable reports whether path is a shared library for machine.
func loadable(path string, machine elf.Machine) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, err := elf.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	return f.Type == elf.ET_DYN && (machine == elf.EM_NONE || f.Machine == machine)
}
