package doctor

import (
	"bufio"
	"fmt"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"

	pep440 "github.com/aquasecurity/go-pep440-version"

	"ftd/launcher"
	pyenv "ftd/recipe/environment"
)

// environment is a Python environment as it lies on the disk. It is read, not
// run: what is broken is often that it does not run.
type environment struct {
	prefix string
	// minor is the Python's version, such as "3.9".
	minor string
	// packages are by their normalised names.
	packages map[string]pkg
	// leftovers are the directories ~NAME into which pip moves a package that
	// it is about to replace.
	leftovers []string
}

// pkg is an installed package.
type pkg struct {
	name    string // as it calls itself
	version string
	dir     string // its .dist-info or .egg-info
}

// survey reads which packages are installed at prefix.
func survey(prefix string) (*environment, error) {
	sites := launcher.Glob(prefix, "lib/python3*/site-packages")
	if len(sites) == 0 {
		return nil, fmt.Errorf("%s holds no lib/python3.*/site-packages", prefix)
	}
	site := sites[0]
	e := &environment{
		prefix:   prefix,
		minor:    strings.TrimPrefix(filepath.Base(filepath.Dir(site)), "python"),
		packages: map[string]pkg{},
	}
	entries, err := os.ReadDir(site)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), "~") {
			e.leftovers = append(e.leftovers, filepath.Join(site, entry.Name()))
		}
		for suffix, file := range map[string]string{".dist-info": "METADATA", ".egg-info": "PKG-INFO"} {
			if strings.HasSuffix(entry.Name(), suffix) {
				dir := filepath.Join(site, entry.Name())
				if p, err := readPackage(dir, file); err == nil { // one that is half removed is not there
					e.packages[pyenv.Name(p.name)] = p
				}
			}
		}
	}
	return e, nil
}

func readPackage(dir, file string) (pkg, error) {
	f, err := os.Open(filepath.Join(dir, file))
	if err != nil {
		if f, err = os.Open(dir); err != nil { // distutils wrote a file of that name
			return pkg{}, err
		}
	}
	defer f.Close()
	// A header may be cut off by a line that is none; what comes before counts.
	header, err := textproto.NewReader(bufio.NewReader(f)).ReadMIMEHeader()
	p := pkg{name: header.Get("Name"), version: header.Get("Version"), dir: dir}
	if p.name == "" || p.version == "" {
		return p, fmt.Errorf("%s names no package: %w", dir, err)
	}
	return p, nil
}

// version returns the version of a package, "" if it is not installed.
func (e *environment) version(name string) string { return e.packages[pyenv.Name(name)].version }

// has says whether a package is installed in a version that the specifier
// (PEP 440, such as ">=1.24,<2") allows; any, if it is empty.
func (e *environment) has(name, specifier string) bool {
	return e.version(name) != "" && allows(specifier, e.version(name))
}

// allows says whether a version is within a specifier. One that cannot be read
// is not found fault with.
func allows(specifier, version string) bool {
	if specifier == "" {
		return true
	}
	s, err := pep440.NewSpecifiers(specifier, pep440.WithPreRelease(true))
	if err != nil {
		return true
	}
	v, err := pep440.Parse(version)
	return err != nil || s.Check(v)
}

// pip is the command that changes this environment's packages.
func (e *environment) pip(words string) string {
	return filepath.Join(e.prefix, "bin", "python") + " -m pip " + words
}

// Installed lists the packages of the subject's environment, NAME to VERSION;
// nil if it cannot be read.
func Installed(s *Subject) map[string]string {
	e, err := s.environment()
	if err != nil {
		return nil
	}
	all := make(map[string]string, len(e.packages))
	for _, p := range e.packages {
		all[p.name] = p.version
	}
	return all
}
