package launcher

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// EnvRequest is what the environment of a training is built from.
type EnvRequest struct {
	// Prefix is the Python environment: a venv or a conda environment. Empty
	// for a command that needs none.
	Prefix string
	// Start is the environment that the daemon was started with, captured
	// before anything changed it; only known names are taken over from it.
	Start []string
	// Scripts are run in a clean shell, and what they change is taken over;
	// see [ActivationScripts].
	Scripts []string
	// Extra is what the user wants: the recipe's and the step's env.
	Extra map[string]string
}

// Var is one variable of a training's environment.
type Var struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// Source is where the value came from: one of the Source constants, or
	// the path of a script.
	Source string `json:"source"`
	// Why is a sentence for people.
	Why string `json:"why"`
}

// Where a variable came from.
const (
	SourceInherited = "inherited" // from the environment ftd was started in
	SourceFTD       = "ftd"       // decided here
	SourceUser      = "user"      // the recipe, the step or the command line
)

// Environment is the whole environment of a training, by name.
type Environment struct {
	Vars []Var `json:"vars"`
	// LeftOut names the variables of Start that are not on the list of those
	// that are inherited.
	LeftOut []string `json:"left_out,omitempty"`
	// Warnings say what else was left out, and why.
	Warnings []string `json:"warnings,omitempty"`
}

// Environ returns the environment as NAME=VALUE entries, each name once.
func (e Environment) Environ() []string {
	out := make([]string, 0, len(e.Vars))
	for _, v := range e.Vars {
		out = append(out, v.Name+"="+v.Value)
	}
	return out
}

// Get returns the value of a variable, "" if it is not set.
func (e Environment) Get(name string) string {
	for _, v := range e.Vars {
		if v.Name == name {
			return v.Value
		}
	}
	return ""
}

// BuildEnvironment decides the environment of a training, weakest first:
// what is inherited, what activation scripts set, what ftd sets, what the
// user sets. PATH-like variables are added to and not replaced by ftd, and
// LD_PRELOAD keeps what the user had.
func BuildEnvironment(ctx context.Context, req EnvRequest) (Environment, error) {
	if req.Prefix != "" && !exists(filepath.Join(req.Prefix, "bin", "python")) {
		return Environment{}, errorf(CodeNoEnvironment, "there is no Python in %s", req.Prefix).
			withRemedy("name the directory of a conda environment or of a venv, the one that has bin/python")
	}
	b := builder{vars: map[string]Var{}}
	b.inherit(req.Start)
	b.python(req.Prefix)
	for _, script := range req.Scripts {
		b.activate(ctx, script)
	}
	if err := ctx.Err(); err != nil {
		return Environment{}, err
	}
	b.python(req.Prefix) // scripts may have put other things first
	b.defaults()
	for _, name := range slices.Sorted(maps.Keys(req.Extra)) {
		b.set(name, req.Extra[name], SourceUser, "set in the recipe or on the command line")
	}
	b.preload(req.Prefix)
	env := Environment{LeftOut: b.leftOut, Warnings: b.warnings}
	for _, name := range slices.Sorted(maps.Keys(b.vars)) {
		env.Vars = append(env.Vars, b.vars[name])
	}
	return env, nil
}

type builder struct {
	vars     map[string]Var
	leftOut  []string
	warnings []string
}

func (b *builder) set(name, value, source, why string) {
	b.vars[name] = Var{Name: name, Value: value, Source: source, Why: why}
}

// inherit takes over the variables of the allow-list.
func (b *builder) inherit(start []string) {
	for _, entry := range start {
		name, value, ok := strings.Cut(entry, "=")
		if why := inheritable(name); ok && why != "" {
			b.set(name, value, SourceInherited, why)
		} else if ok && !shellOnly(name) {
			b.leftOut = append(b.leftOut, name)
		}
	}
	if _, ok := b.vars["PATH"]; !ok {
		b.set("PATH", "/usr/local/bin:/usr/bin:/bin", SourceFTD, "ftd was started without one")
	}
}

// defaults sets what makes a training's log readable, unless it was chosen
// otherwise where ftd was started.
func (b *builder) defaults() {
	for _, d := range []Var{
		{Name: "PYTHONUNBUFFERED", Value: "1", Why: "a log line is seen when it is printed and not when a buffer is full; nothing is lost in a crash"},
		{Name: "PYTHONFAULTHANDLER", Value: "1", Why: "a crash in native code leaves a Python traceback in the log"},
		{Name: "MS_JIT_DISPLAY_PROGRESS", Value: "1", Why: "MindSpore (2.2 and later) prints the stages of a compile, which tells a slow compile from one that hangs"},
	} {
		if _, chosen := b.vars[d.Name]; !chosen {
			b.set(d.Name, d.Value, SourceFTD, d.Why)
		}
	}
}

// python activates the environment at prefix.
func (b *builder) python(prefix string) {
	if prefix == "" {
		return
	}
	b.prepend("PATH", filepath.Join(prefix, "bin"), "programs of the Python environment come first")
	switch {
	case exists(filepath.Join(prefix, "conda-meta")):
		b.set("CONDA_PREFIX", prefix, SourceFTD, "the conda environment of the training")
		b.set("CONDA_DEFAULT_ENV", filepath.Base(prefix), SourceFTD, "the conda environment of the training")
		delete(b.vars, "VIRTUAL_ENV")
	case exists(filepath.Join(prefix, "pyvenv.cfg")):
		b.set("VIRTUAL_ENV", prefix, SourceFTD, "the virtual environment of the training")
		delete(b.vars, "CONDA_PREFIX")
		delete(b.vars, "CONDA_DEFAULT_ENV")
	}
	if dir, needed := libpythonDir(filepath.Join(prefix, "bin", "python")); needed {
		b.prepend("LD_LIBRARY_PATH", dir, "the environment's python needs its libpython, and does not say where it is")
	}
}

// preload puts the libraries of FindPreload before what LD_PRELOAD holds.
func (b *builder) preload(prefix string) {
	had := b.vars["LD_PRELOAD"]
	found := FindPreload(prefix)
	value, warnings := MergePreload(found, had.Value)
	b.warnings = append(b.warnings, warnings...)
	switch {
	case value == "":
		delete(b.vars, "LD_PRELOAD")
	case value != had.Value:
		why := "libraries that cannot be loaded were left out"
		if len(found) > 0 && strings.HasPrefix(value, found[0].Path) {
			why = found[0].Why
			if had.Value != "" {
				why += "; what was set before is kept behind it"
			}
		}
		b.set("LD_PRELOAD", value, SourceFTD, why)
	}
}

// prepend puts dir first in a list of directories, where it is then once.
func (b *builder) prepend(name, dir, why string) {
	old := b.vars[name].Value
	list := []string{dir}
	for _, d := range filepath.SplitList(old) {
		if d != "" && d != dir {
			list = append(list, d)
		}
	}
	if value := strings.Join(list, string(filepath.ListSeparator)); value != old {
		b.set(name, value, SourceFTD, why)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
