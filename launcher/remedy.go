package launcher

import (
	"path/filepath"
	"regexp"
	"strings"

	"ftd/logparse"
)

// EnvChange is a change of the environment that may make a failed training
// work, to be tried once.
type EnvChange struct {
	// Prepend holds lists to be put before the value of LD_PRELOAD and of
	// other variables that are lists.
	Prepend map[string]string
	// Set holds variables to be set.
	Set map[string]string
	// Problem is the id of the error signature that asks for it.
	Problem string
	// Why is a sentence for the journal and for people.
	Why string
}

// Remedy returns the change of the environment that the failure of a run asks
// for, if there is one that a program can make. The caller starts the run
// again with it once, and says so: a second failure of the same kind has
// another cause.
func Remedy(st Status, problems []logparse.Problem) (EnvChange, bool) {
	if st.State != StateExited || st.Exit.Code == 0 || st.Exit.Error != "" {
		return EnvChange{}, false
	}
	for _, p := range problems {
		if p.Signature == nil {
			continue
		}
		for _, text := range append([]string{p.Text}, p.Traceback...) {
			if change, ok := remedies(p.Signature.ID, text); ok {
				return change, true
			}
		}
	}
	return EnvChange{}, false
}

func remedies(id, text string) (EnvChange, bool) {
	if id == "static-tls" {
		if library, ok := StaticTLSLibrary(text); ok {
			return EnvChange{
				Prepend: map[string]string{"LD_PRELOAD": library},
				Problem: id,
				Why:     "there was no room left for the thread-local variables of " + filepath.Base(library) + "; it is loaded first now",
			}, true
		}
	}
	return EnvChange{}, false
}

// Apply returns env with the change made.
func (c EnvChange) Apply(env []string) []string {
	for name, value := range c.Set {
		env = setVariable(env, name, value)
	}
	for name, value := range c.Prepend {
		list := []string{value}
		for _, entry := range env {
			if old, ok := strings.CutPrefix(entry, name+"="); ok {
				for _, item := range strings.FieldsFunc(old, func(r rune) bool { return r == ':' || r == ' ' && name == "LD_PRELOAD" }) {
					if item != value {
						list = append(list, item)
					}
				}
			}
		}
		env = setVariable(env, name, strings.Join(list, ":"))
	}
	return env
}

// staticTLS matches the dynamic loader's message; the library is before it.
var staticTLS = regexp.MustCompile(`((?:/[^\s:'"]+|[^\s:'"]*/[^\s:'"]+)\.so[.\d]*)['"]?: cannot allocate memory in static TLS block`)

// StaticTLSLibrary returns the library that the dynamic loader could not load
// any more, from its message in a log.
func StaticTLSLibrary(text string) (path string, ok bool) {
	m := staticTLS.FindStringSubmatch(text)
	if m == nil {
		return "", false
	}
	path = filepath.Clean(m[1])
	return path, filepath.IsAbs(path) && exists(path)
}
