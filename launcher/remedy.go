package launcher

import (
	"cmp"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"ftd/logparse"
)

// EnvChange is a change of the environment that may make a failed training
// work, to be tried once.
type EnvChange struct {
	// Prepend holds lists to be put before the value of LD_PRELOAD and of
	// other variables that are lists.
	Prepend map[string]string `json:"prepend,omitempty"`
	// Set holds variables to be set, Unset names those to be left out.
	Set   map[string]string `json:"set,omitempty"`
	Unset []string          `json:"unset,omitempty"`
	// Problem is the id of the error signature that asks for it.
	Problem string `json:"problem"`
	// Why is a sentence for the journal and for people.
	Why string `json:"why"`
}

// Remedy returns the change of the environment that the failure of the run
// asks for, if there is one that a program can make and that is not among
// those that were tried. The caller starts it again with the change once, and
// says so: a second failure of the same kind has another cause.
//
// This is not the cure of [logparse.CauseOf]'s one cause: a log may tell of
// several problems, and the first that can be cured and was not yet is worth
// another try. What is but a consequence is cured only if there is nothing else.
func (r *Run) Remedy(st Status, problems []logparse.Problem, tried []EnvChange) (EnvChange, bool) {
	if st.State != StateExited || st.Exit.Code == 0 || st.Exit.Error != "" {
		return EnvChange{}, false
	}
	for _, secondary := range []bool{false, true} {
		for _, p := range problems {
			if p.Signature == nil || p.Signature.Secondary != secondary ||
				slices.ContainsFunc(tried, func(c EnvChange) bool { return c.Problem == p.Signature.ID }) {
				continue
			}
			cure := cures[p.Signature.ID]
			if cure == nil {
				continue
			}
			for _, text := range append([]string{p.Text}, p.Traceback...) {
				if change, ok := cure(failedEnvironment(r.spec), text); ok {
					change.Problem = p.Signature.ID
					return change, true
				}
			}
		}
		if slices.ContainsFunc(problems, func(p logparse.Problem) bool { return p.Signature != nil && !p.Signature.Secondary }) {
			break
		}
	}
	return EnvChange{}, false
}

// failing is the environment in which a run failed.
type failing struct {
	env         []string
	distributed bool // by a launcher whose port ftd has chosen
}

func failedEnvironment(s Spec) failing { return failing{s.Env, s.RankLogs != ""} }

func (f failing) get(name string) string { return variable(f.env, name) }

// prefix is the Python environment, "" if there is none.
func (f failing) prefix() string { return cmp.Or(f.get("CONDA_PREFIX"), f.get("VIRTUAL_ENV")) }

// cures are the failures of the error table that a change of the environment
// can mend, by signature. Each is given the line that tells of the failure.
var cures = map[string]func(f failing, text string) (EnvChange, bool){
	"static-tls": func(_ failing, text string) (EnvChange, bool) {
		library, ok := StaticTLSLibrary(text)
		return EnvChange{
			Prepend: map[string]string{"LD_PRELOAD": library},
			Why:     "there was no room left for the thread-local variables of " + filepath.Base(library) + "; it is loaded first now",
		}, ok
	},
	"library-missing":   findLibrary,
	"libstdcxx-too-old": newerLibstdcxx,
	"module-missing":    findCANNModule,
	"openmp-twice":      setOnce("KMP_DUPLICATE_LIB_OK", "TRUE", "two packages bring an OpenMP library of their own; they are allowed to"),
	"protobuf-too-new":  setOnce("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", "python", "protobuf is newer than a package that uses it; its slower implementation accepts that"),
	"scheduler-port-busy": func(f failing, _ string) (EnvChange, bool) {
		return EnvChange{Why: "somebody took the scheduler's port; another one is chosen"}, f.distributed
	},
	"hccl-connect-timeout": func(f failing, _ string) (EnvChange, bool) {
		seconds, _ := strconv.Atoi(f.get(hcclConnect))
		return EnvChange{
			Set: map[string]string{hcclConnect: strconv.Itoa(patient)},
			Why: "a rank came too late; the others wait longer for it",
		}, seconds < patient
	},
	"hccl-env-invalid": func(f failing, text string) (EnvChange, bool) {
		for _, name := range hcclVariable().FindAllString(text, -1) {
			if f.get(name) != "" {
				return EnvChange{Unset: []string{name}, Why: name + " has a value that HCCL refuses; it is left out"}, true
			}
		}
		return EnvChange{}, false
	},
}

const (
	hcclConnect = "HCCL_CONNECT_TIMEOUT"
	patient     = 1800 // seconds; 7200 is the most that HCCL takes
)

var hcclVariable = lazily(`HCCL_[A-Z_]+`)

// setOnce sets a variable that was not set.
func setOnce(name, value, why string) func(failing, string) (EnvChange, bool) {
	return func(f failing, _ string) (EnvChange, bool) {
		return EnvChange{Set: map[string]string{name: value}, Why: why}, f.get(name) == ""
	}
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
	return slices.DeleteFunc(env, func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains(c.Unset, name)
	})
}
