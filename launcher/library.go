package launcher

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
)

// staticTLS matches the dynamic loader's message; the library is before it.
var staticTLS = lazily(`((?:/[^\s:'"]+|[^\s:'"]*/[^\s:'"]+)\.so[.\d]*)['"]?: cannot allocate memory in static TLS block`)

// StaticTLSLibrary returns the library that the dynamic loader could not load
// any more, from its message in a log.
func StaticTLSLibrary(text string) (path string, ok bool) {
	m := staticTLS().FindStringSubmatch(text)
	if m == nil {
		return "", false
	}
	path = filepath.Clean(m[1])
	return path, filepath.IsAbs(path) && exists(path)
}

// libraryDirs are where the libraries of an environment and of CANN lie,
// below the directories that the variables name.
var libraryDirs = []struct{ variable, pattern string }{
	{"CONDA_PREFIX", "lib"},
	{"CONDA_PREFIX", "lib/python*/site-packages/*/lib"},
	{"CONDA_PREFIX", "lib/python*/site-packages/*.libs"},
	{"VIRTUAL_ENV", "lib/python*/site-packages/*/lib"},
	{"VIRTUAL_ENV", "lib/python*/site-packages/*.libs"},
	{"ASCEND_HOME_PATH", "lib64"},
	{"ASCEND_HOME_PATH", "*/lib64"},
	{"ASCEND_TOOLKIT_HOME", "lib64"},
	{"ASCEND_TOOLKIT_HOME", "*/lib64"},
	{"ASCEND_HOME_PATH", "../../driver/lib64/*"},
}

var missingLibrary = lazily(`([^\s/:'"]+\.so[.0-9]*): cannot open shared object file`)

// findLibrary puts the directory of a library that was not found first.
func findLibrary(f failing, text string) (EnvChange, bool) {
	m := missingLibrary().FindStringSubmatch(text)
	if m == nil {
		return EnvChange{}, false
	}
	for _, place := range libraryDirs {
		base := f.get(place.variable)
		if base == "" {
			continue
		}
		for _, path := range Glob(base, place.pattern+"/"+m[1]) {
			if loadable(path, machineOf("/proc/self/exe")) {
				dir := filepath.Dir(path)
				return EnvChange{
					Prepend: map[string]string{"LD_LIBRARY_PATH": dir},
					Why:     m[1] + " is in " + dir + ", where the loader did not look; it does now",
				}, true
			}
		}
	}
	return EnvChange{}, false
}

var versionMissing = lazily("version `((?:GLIBCXX|CXXABI)_[0-9.]+)' not found")

// newerLibstdcxx prefers the environment's C++ library if it has what the
// system's lacks.
func newerLibstdcxx(f failing, text string) (EnvChange, bool) {
	m := versionMissing().FindStringSubmatch(text)
	if m == nil || f.prefix() == "" {
		return EnvChange{}, false
	}
	dir := filepath.Join(f.prefix(), "lib")
	content, err := os.ReadFile(filepath.Join(dir, "libstdc++.so.6"))
	return EnvChange{
		Prepend: map[string]string{"LD_LIBRARY_PATH": dir},
		Why:     "the C++ library that was found lacks " + m[1] + "; the environment's own is preferred now",
	}, err == nil && bytes.Contains(content, []byte(m[1]+"\x00"))
}

var cannModule = lazily(`No module named '(te|tbe|hccl|acl|auto_tune|topi|schedule_search|opc_tool)['.]`)

// findCANNModule puts the directory of a Python module of CANN on the path,
// which set_env.sh would have done.
func findCANNModule(f failing, text string) (EnvChange, bool) {
	m := cannModule().FindStringSubmatch(text)
	if m == nil {
		return EnvChange{}, false
	}
	for _, name := range []string{"ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME"} {
		for _, sub := range []string{"python/site-packages", "opp/built-in/op_impl/ai_core/tbe", "pyACL/python/site-packages/acl"} {
			dir := filepath.Join(f.get(name), sub)
			if f.get(name) != "" && len(Glob(dir, m[1]+"*")) > 0 && !strings.Contains(f.get("PYTHONPATH"), dir) {
				return EnvChange{
					Prepend: map[string]string{"PYTHONPATH": dir},
					Why:     "the module " + m[1] + " of CANN is in " + dir + ", where Python did not look; it does now",
				}, true
			}
		}
	}
	return EnvChange{}, false
}
