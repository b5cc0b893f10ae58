package frontdoor

import (
	"os"
	"path/filepath"
	"strings"
)

// The variables of the dynamic loader that the front door changes.
const (
	libraryPath = "LD_LIBRARY_PATH"
	preload     = "LD_PRELOAD"
)

// door names the front door to the daemon, which goes through it again when it
// restarts in place: the environment or the daemon may be another one by then.
const door = "FTD_FRONT_DOOR"

// Itself is the path of the front door that a daemon with this environment
// came through, "" if it came through none.
func Itself(environ []string) string { return variable(environ, door) }

// Through returns environ with the name of the front door.
func Through(path string, environ []string) []string {
	return append(removed(environ, door), door+"="+path)
}

// before is put in front of the name under which the former value is kept.
const before = "FTD_BEFORE_"

// changed returns environ with variables set, and their former values, which
// may be none, kept for [StartEnviron].
func changed(environ []string, variables map[string]string) []string {
	// Through StartEnviron: a daemon that re-executes itself, or a front door
	// called from within one, must not keep a value that ftd had set.
	environ = StartEnviron(environ)
	for _, name := range []string{libraryPath, preload} {
		value, ok := variables[name]
		if !ok {
			continue
		}
		environ = append(removed(environ, name), before+name+"="+variable(environ, name), name+"="+value)
	}
	return environ
}

// StartEnviron undoes what the front door changed: the environment in which a
// person or systemd started ftd. A training inherits from that one, not from
// the daemon's.
func StartEnviron(environ []string) []string {
	environ = removed(environ, door)
	for _, name := range []string{libraryPath, preload} {
		kept, ok := lookup(environ, before+name)
		if !ok {
			continue
		}
		environ = removed(removed(environ, name), before+name)
		if kept != "" {
			environ = append(environ, name+"="+kept)
		}
	}
	return environ
}

// loadedAnyway tells whether the dynamic loader finds this very library
// without help: by the first entry of path that has one of the name, or in the
// system's own directories.
func loadedAnyway(library, path string) bool {
	want, err := os.Stat(library)
	if err != nil {
		return false
	}
	for _, dir := range filepath.SplitList(path) {
		if found, err := os.Stat(filepath.Join(dir, filepath.Base(library))); err == nil {
			return os.SameFile(want, found)
		}
	}
	dir := filepath.Dir(library)
	return dir == "/lib" || strings.HasPrefix(dir, "/lib/") || dir == "/usr/lib" || strings.HasPrefix(dir, "/usr/lib/")
}

func joined(dirs ...string) string {
	var kept []string
	for _, dir := range dirs {
		// An empty entry would mean the current directory.
		if dir != "" {
			kept = append(kept, dir)
		}
	}
	return strings.Join(kept, ":")
}

func variable(environ []string, name string) string {
	value, _ := lookup(environ, name)
	return value
}

func lookup(environ []string, name string) (value string, ok bool) {
	for _, entry := range environ {
		if v, found := strings.CutPrefix(entry, name+"="); found {
			return v, true
		}
	}
	return "", false
}

func removed(environ []string, name string) []string {
	var kept []string
	for _, entry := range environ {
		if !strings.HasPrefix(entry, name+"=") {
			kept = append(kept, entry)
		}
	}
	return kept
}
