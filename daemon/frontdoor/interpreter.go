package frontdoor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ftd/api"
	"ftd/launcher"
)

// interpreter is the Python of an environment, by its own words.
type interpreter struct {
	env  string
	path string // env/bin/python

	Version    string `json:"version"` // "3.11.7"
	Minor      string `json:"minor"`   // "3.11"
	BasePrefix string `json:"base_prefix"`
	LibDir     string `json:"libdir"`
	Multiarch  string `json:"multiarch"`
}

// question is answered in some 20 ms; -S -E -s leave out all packages.
const question = `import json, sys, sysconfig
config = sysconfig.get_config_var
print(json.dumps({
    "version": "%d.%d.%d" % sys.version_info[:3],
    "minor": "%d.%d" % sys.version_info[:2],
    "base_prefix": sys.base_prefix,
    "libdir": config("LIBDIR") or "",
    "multiarch": config("MULTIARCH") or "",
}))`

// findInterpreter finds the environment's python and asks what it is.
func findInterpreter(ctx context.Context, env string) (*interpreter, error) {
	if env == "" {
		return nil, api.Errorf(api.CodeNoEnvironment, "no Python environment is configured").
			WithRemedy("name one with ftd --env /path/to/env, FTD_ENV or env: in the settings file")
	}
	if info, err := os.Stat(env); err != nil || !info.IsDir() {
		return nil, api.Errorf(api.CodeNoEnvironment, "the Python environment %s does not exist", env).
			WithRemedy("set env to the directory of a venv or conda environment (`ftd config` shows where it is set)")
	}
	path, err := findPython(env)
	if err != nil {
		return nil, err
	}
	if m, own := machineOf(path), machineOf("/proc/self/exe"); m != own && !isScript(path) {
		return nil, api.Errorf(api.CodePythonMismatch, "%s is a program for %s, but this machine is %s", path, machineName(m), machineName(own)).
			WithRemedy("make the environment anew on this machine, then: make build ENV=%s", env)
	}
	python := &interpreter{env: env, path: path}
	err = python.ask(ctx, os.Environ())
	if err != nil {
		// One that was unpacked somewhere else than it was built for does not
		// find its own library.
		own := []string{filepath.Join(env, "lib"), env}
		if python.ask(ctx, changed(os.Environ(), map[string]string{libraryPath: joined(own...)})) == nil {
			err = nil
		}
	}
	if err != nil {
		return nil, api.Errorf(api.CodeNoEnvironment, "the Python of the environment does not start: %s: %v", path, err).
			WithRemedy("repair the environment, or make it anew")
	}
	return python, nil
}

// findPython returns the environment's python, or says what is wrong with it.
func findPython(env string) (string, error) {
	for _, name := range []string{"python", "python3"} {
		path := filepath.Join(env, "bin", name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		} else if target, linkErr := os.Readlink(path); linkErr == nil && errors.Is(err, fs.ErrNotExist) {
			return "", api.Errorf(api.CodeNoEnvironment, "%s points to %s, which is not there any more: the Python that the environment was made with was removed", path, target).
				WithRemedy("make the environment anew")
		}
	}
	return "", api.Errorf(api.CodeNoEnvironment, "%s is not a Python environment: it has no bin/python", env).
		WithRemedy("set env to the directory of a venv or conda environment (`ftd config` shows where it is set)")
}

// ask starts the python once.
func (p *interpreter) ask(ctx context.Context, environ []string) error {
	const patience = 20 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, p.path, "-S", "-E", "-s", "-c", question)
	cmd.Env = environ
	cmd.Stderr = &stderr
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return fmt.Errorf("it did not answer within %s", patience)
	}
	if err != nil {
		if text := strings.TrimSpace(stderr.String()); text != "" {
			lines := strings.Split(text, "\n")
			return errors.New(lines[len(lines)-1])
		}
		return err
	}
	if err := json.Unmarshal(out, p); err != nil || p.Minor == "" {
		return errors.New("it does not behave like a Python")
	}
	return nil
}

// libraryDirs are the places where its libpython may be, the likeliest first.
// LIBDIR says where it was built to be: in a copied or unpacked environment
// that is another one's, so its own prefix comes before.
func (p *interpreter) libraryDirs() []string {
	dirs := []string{filepath.Join(p.BasePrefix, "lib"), p.LibDir, p.BasePrefix, filepath.Join(p.env, "lib")}
	if p.BasePrefix == "/usr" && p.Multiarch != "" {
		dirs = append(dirs, filepath.Join("/usr/lib", p.Multiarch))
	}
	var kept []string
	for _, dir := range dirs {
		if dir != "" && !slices.Contains(kept, dir) {
			kept = append(kept, dir)
		}
	}
	return kept
}

// found names the libpython that the interpreter has.
func (p *interpreter) found() string {
	for _, dir := range p.libraryDirs() {
		if libraries := launcher.Glob(dir, "libpython"+p.Minor+"*.so*"); len(libraries) > 0 {
			return "its library is " + libraries[len(libraries)-1]
		}
	}
	return "without a shared library libpython" + p.Minor
}

// isScript tells whether a program begins with "#!", as pyenv's shims do.
func isScript(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	var begin [2]byte
	_, err = file.Read(begin[:])
	return err == nil && string(begin[:]) == "#!"
}
