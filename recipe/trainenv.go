package recipe

import (
	"path/filepath"
	"strings"
)

// pythonPath puts what ftd brings along before what the user has.
func pythonPath(s *StepContext, extra map[string]string) {
	path, given := extra["PYTHONPATH"]
	if !given {
		path = environ(s.Settings.Start, "PYTHONPATH")
	}
	extra["PYTHONPATH"] = PythonPath(s.Settings.Library, s.text("config") != "", path)
}

// PythonPath is the PYTHONPATH of a training: the module of library that
// answers for stacks, for a config what mindformers is to import, and then
// what the user has.
func PythonPath(library string, config bool, path string) string {
	dirs := []string{filepath.Join(library, "ftd_site")}
	if config {
		dirs = append(dirs, library)
	}
	if path != "" { // an empty entry would be the working directory
		dirs = append(dirs, path)
	}
	return strings.Join(dirs, string(filepath.ListSeparator))
}

// mindformersEnv lets mindformers find what a config names of ftd.
func mindformersEnv(s *StepContext, extra map[string]string) {
	for name, value := range map[string]string{
		"REGISTER_PATH": filepath.Join(s.Settings.Library, "ftd_train"),
		// mindformers copies registered modules; by default into ./modules, or
		// into the home directory if openmind_hub is there.
		"OM_MODULES_CACHE": filepath.Join(s.Attempt.Dir, "modules"),
	} {
		if _, given := extra[name]; !given {
			extra[name] = value
		}
	}
}

// environ looks a variable up among NAME=VALUE entries.
func environ(entries []string, name string) string {
	for _, entry := range entries {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}
