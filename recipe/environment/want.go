package environment

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"ftd/recipe/expression"
)

// Want is what an environment must be.
type Want struct {
	// Python is the beginning of its version: "3.9"; empty for any.
	Python string
	// Packages are NAME==VERSION, or NAME for any version.
	Packages []string
	// Absent are names of packages that must not be there.
	Absent []string
}

var pin = expression.Lazily(`^([A-Za-z0-9][A-Za-z0-9._-]*)(\[[A-Za-z0-9,._-]+\])?(==([A-Za-z0-9.+!-]+))?$`)

// Check returns an error that names a package which is not NAME or NAME==VERSION,
// or is asked for in two ways that exclude each other.
func (w Want) Check() error {
	pinned := map[string]string{}
	for _, p := range w.Packages {
		parts := pin().FindStringSubmatch(p)
		if parts == nil {
			return fmt.Errorf("the package %q is neither NAME==VERSION nor NAME", p)
		}
		name, version := Name(parts[1]), parts[4]
		if other := pinned[name]; version != "" && other != "" && other != version {
			return fmt.Errorf("the package %s is asked for as %s and as %s", parts[1], other, version)
		}
		pinned[name] = cmp.Or(pinned[name], version)
		if slices.ContainsFunc(w.Absent, func(absent string) bool { return Name(absent) == name }) {
			return fmt.Errorf("the package %s is asked for, and must not be there", parts[1])
		}
	}
	return nil
}

// Difference is one thing that is not as wanted.
type Difference struct {
	What string // a sentence without a full stop
	// Install and Remove are what pip would have to do; both are empty for what
	// pip cannot mend: another Python.
	Install, Remove string
}

// Differences compares; none means that all is as wanted.
func (w Want) Differences(f Facts) []Difference {
	var list []Difference
	if w.Python != "" && f.Python != w.Python && !strings.HasPrefix(f.Python, w.Python+".") {
		list = append(list, Difference{What: fmt.Sprintf("Python is %s instead of %s", f.Python, w.Python)})
	}
	for _, name := range w.Absent {
		if version, there := f.Packages[Name(name)]; there {
			list = append(list, Difference{What: fmt.Sprintf("%s %s is there and must not be", name, version), Remove: name})
		}
	}
	for _, p := range w.Packages {
		parts := pin().FindStringSubmatch(p)
		name, wanted := parts[1], parts[4]
		switch version, there := f.Packages[Name(name)]; {
		case !there:
			list = append(list, Difference{What: name + " is missing", Install: p})
		case wanted != "" && !sameVersion(version, wanted):
			list = append(list, Difference{What: fmt.Sprintf("%s is %s instead of %s", name, version, wanted), Install: p})
		}
	}
	return list
}

// sameVersion leaves out a local part (2.1.0+cpu) that was not asked for.
func sameVersion(have, want string) bool {
	if !strings.Contains(want, "+") {
		have, _, _ = strings.Cut(have, "+")
	}
	return have == want
}

// Headless replaces each of the OpenCV packages that need a screen by the one
// that does not, in the same version: they bring the same module, and libGL is
// on no machine without a screen.
func (w Want) Headless(f Facts) Want {
	w.Packages, w.Absent = slices.Clone(w.Packages), slices.Clone(w.Absent)
	for name, headless := range map[string]string{"opencv-python": "opencv-python-headless", "opencv-contrib-python": "opencv-contrib-python-headless"} {
		w.Absent = append(w.Absent, name)
		if version, there := f.Packages[name]; there && f.Packages[headless] == "" {
			w.Packages = append(w.Packages, headless+"=="+version)
		}
	}
	slices.Sort(w.Packages)
	slices.Sort(w.Absent)
	return w
}

// Fine-tuning packages, by the module that mindformers imports: mindpet 1.0.1 is
// the module tk, from 1.0.2 on it is the module mindpet.
const (
	ModuleTk      = "tk"
	ModuleMindpet = "mindpet"
)

// Mindpet returns the package that brings the module.
func Mindpet(module string) string {
	if module == ModuleTk {
		return "mindpet==1.0.1"
	}
	return "mindpet==1.0.2"
}
