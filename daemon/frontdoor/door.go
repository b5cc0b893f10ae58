package frontdoor

import (
	"context"
	"debug/elf"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ftd/api"
	"ftd/launcher"
)

// Daemon is a daemon ready to be executed.
type Daemon struct {
	Path     string   // the binary, libexec/ftd/ftd-cp311
	Env      []string // its environment
	Warnings []string // for people; nothing that keeps it from starting
}

// Open finds the daemon in libexec that was built for the environment at env,
// checks that it can be loaded, and prepares its environment variables from
// environ. The error is an [api.Error] in one sentence with a remedy.
func Open(ctx context.Context, env, libexec string, environ []string) (*Daemon, error) {
	python, err := findInterpreter(ctx, env)
	if err != nil {
		return nil, err
	}
	daemon, err := choose(libexec, python)
	if err != nil {
		return nil, err
	}
	library, err := daemon.library(python)
	if err != nil {
		return nil, err
	}
	environ = StartEnviron(environ)
	variables := map[string]string{}
	if path := variable(environ, libraryPath); !loadedAnyway(library, path) {
		variables[libraryPath] = joined(filepath.Dir(library), path)
	}
	former := variable(environ, preload)
	value, warnings := launcher.MergePreload(launcher.FindPreload(env), former)
	if value != former {
		variables[preload] = value
	}
	return &Daemon{Path: daemon.path, Env: changed(environ, variables), Warnings: warnings}, nil
}

// built is a daemon in libexec.
type built struct {
	path  string
	minor string // of the Python it was built for: "3.11"
}

// Built lists the daemons in libexec by the Python version each is for.
func Built(libexec string) map[string]string {
	daemons := map[string]string{}
	for _, path := range launcher.Glob(libexec, "ftd-cp[0-9]*") {
		digits := strings.TrimPrefix(filepath.Base(path), "ftd-cp")
		if len(digits) > 1 && strings.Trim(digits, "0123456789") == "" {
			daemons[digits[:1]+"."+digits[1:]] = path
		}
	}
	return daemons
}

// choose returns the daemon for an interpreter.
func choose(libexec string, python *interpreter) (*built, error) {
	daemons := Built(libexec)
	if path, ok := daemons[python.Minor]; ok {
		return &built{path: path, minor: python.Minor}, nil
	}
	remedy := "build it with: make build ENV=" + python.env
	if len(daemons) == 0 {
		return nil, api.Errorf(api.CodePythonMismatch, "no daemon is built yet: there is no ftd-cp* in %s (the environment %s has Python %s)",
			libexec, python.env, python.Version).WithRemedy("%s", remedy)
	}
	var have []string
	for minor := range daemons {
		have = append(have, minor)
	}
	slices.Sort(have)
	return nil, api.Errorf(api.CodePythonMismatch, "the environment %s has Python %s (%s), but the daemon in %s is built for Python %s",
		python.env, python.Version, python.found(), libexec, strings.Join(have, " and ")).WithRemedy("%s", remedy)
}

// library returns the libpython that the daemon will load, after checking what
// the dynamic loader would otherwise complain about.
func (b *built) library(python *interpreter) (string, error) {
	file, err := elf.Open(b.path)
	if err != nil {
		return "", api.Errorf(api.CodePythonMismatch, "the daemon %s is damaged: %v", b.path, err).
			WithRemedy("build it again with: make build ENV=%s", python.env)
	}
	defer func() { _ = file.Close() }()
	if own := machineOf("/proc/self/exe"); file.Machine != own {
		return "", api.Errorf(api.CodePythonMismatch, "the daemon %s is built for %s, but this machine is %s", b.path, machineName(file.Machine), machineName(own)).
			WithRemedy("build it here with: make build ENV=%s", python.env)
	}
	imported, err := file.ImportedLibraries()
	if err != nil {
		return "", api.Errorf(api.CodePythonMismatch, "the daemon %s is damaged: %v", b.path, err).
			WithRemedy("build it again with: make build ENV=%s", python.env)
	}
	i := slices.IndexFunc(imported, func(l string) bool { return strings.HasPrefix(l, "libpython") })
	if i < 0 {
		return "", api.Errorf(api.CodePythonMismatch, "the daemon %s was built without Python", b.path).
			WithRemedy("build it again with: make build ENV=%s", python.env)
	}
	soname := imported[i]
	if want := "libpython" + b.minor; !strings.HasPrefix(soname, want+".") && !strings.HasPrefix(soname, want+"m.") {
		return "", api.Errorf(api.CodePythonMismatch, "the daemon %s is built for %s, not for Python %s of the environment %s", b.path, soname, python.Version, python.env).
			WithRemedy("build it again with: make build ENV=%s", python.env)
	}
	var wrong error
	for _, dir := range python.libraryDirs() {
		path := filepath.Join(dir, soname)
		if _, err := os.Stat(path); err != nil {
			continue
		}
		if wrong = unfit(path, soname, file.Machine, python); wrong == nil {
			return path, nil
		}
	}
	if wrong != nil {
		return "", wrong
	}
	return "", api.Errorf(api.CodePythonMismatch, "the shared library %s of Python %s, which the daemon %s is built for, is in none of %s",
		soname, python.Version, b.path, strings.Join(python.libraryDirs(), ", ")).
		WithRemedy("install it (on Debian: apt-get install libpython%s; a Python you built yourself needs ./configure --enable-shared), then: make build ENV=%s", python.Minor, python.env)
}

// unfit says why the dynamic loader would refuse a library, or load it and then
// miss what the daemon needs of it; nil if it would not.
func unfit(path, soname string, machine elf.Machine, python *interpreter) error {
	file, err := elf.Open(path)
	if err != nil {
		return api.Errorf(api.CodePythonMismatch, "the shared library %s of Python %s is damaged: %v", path, python.Version, err).
			WithRemedy("install it again, or make the environment %s anew, then: make build ENV=%s", python.env, python.env)
	}
	defer func() { _ = file.Close() }()
	if file.Machine != machine {
		return api.Errorf(api.CodePythonMismatch, "%s is a library for %s, but the daemon and this machine are %s", path, machineName(file.Machine), machineName(machine)).
			WithRemedy("make the environment %s anew on this machine, then: make build ENV=%s", python.env, python.env)
	}
	// Without a name of its own it is what its file is called.
	if own, err := file.DynString(elf.DT_SONAME); err == nil && len(own) > 0 && own[0] != soname {
		return api.Errorf(api.CodePythonMismatch, "%s is in fact a %s, but the daemon is built for %s and the environment %s has Python %s", path, own[0], soname, python.env, python.Version).
			WithRemedy("put the library of Python %s there, or make the environment anew, then: make build ENV=%s", python.Version, python.env)
	}
	return nil
}

func machineOf(path string) elf.Machine {
	file, err := elf.Open(path)
	if err != nil {
		return elf.EM_NONE
	}
	defer func() { _ = file.Close() }()
	return file.Machine
}

// machineName says a machine in the words of uname -m.
func machineName(m elf.Machine) string {
	switch m {
	case elf.EM_X86_64:
		return "x86_64"
	case elf.EM_AARCH64:
		return "aarch64"
	case elf.EM_NONE:
		return "no known machine"
	default:
		return strings.TrimPrefix(m.String(), "EM_")
	}
}
