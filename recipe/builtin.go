package recipe

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"ftd/recipe/nearest"
)

// What comes inside the binary: recipes, the data and the mindformers YAML
// they begin with, and the Python half of the steps.
//
//go:embed builtin/*.yaml builtin/data builtin/configs
var builtins embed.FS

//go:embed py/ftd_steps/*.py py/ftd_train/*.py py/ftd_site/*.py py/ftd_run/*.py
var python embed.FS

// builtinPrefix begins the name of a file that comes with ftd, where a
// parameter may be such a file: "builtin:data/alpaca-tiny.json".
const builtinPrefix = "builtin:"

// Library is the Python code that steps and trainings import: the packages
// ftd_steps and ftd_train, and the directories ftd_site and ftd_run. The daemon writes it into a directory and names
// that in [Settings].
func Library() fs.FS {
	library, err := fs.Sub(python, "py")
	if err != nil {
		panic(err) // the directory is part of the binary
	}
	return library
}

// List returns the names of the built-in recipes, sorted.
func List() []string {
	files, err := builtins.ReadDir("builtin")
	if err != nil {
		panic(err)
	}
	var names []string
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), ".yaml"); ok {
			names = append(names, name)
		}
	}
	return names
}

// Source returns the text of a built-in recipe.
func Source(name string) ([]byte, error) {
	if !slices.Contains(List(), name) {
		return nil, &Problem{
			Code:    CodeNotFound,
			Message: fmt.Sprintf("there is no recipe %q", name),
			Remedy:  nearest.Remedy(name, List()),
		}
	}
	return builtins.ReadFile(path.Join("builtin", name+".yaml"))
}

// Load returns a built-in recipe.
func Load(name string) (*Recipe, error) {
	source, err := Source(name)
	if err != nil {
		return nil, err
	}
	return Parse(name+".yaml", source)
}

// readSource reads a file, or one that comes with ftd.
func readSource(name string) ([]byte, error) {
	inside, ok := strings.CutPrefix(name, builtinPrefix)
	if !ok {
		return os.ReadFile(name)
	}
	data, err := builtins.ReadFile(path.Join("builtin", path.Clean("/"+inside)))
	if err == nil {
		return data, nil
	}
	return nil, &Problem{
		Code:    CodeNotFound,
		Message: fmt.Sprintf("ftd comes without a file %q", inside),
		Remedy:  nearest.Remedy(inside, builtinFiles()),
	}
}

func builtinFiles() []string {
	files, err := builtins.ReadDir("builtin/data")
	if err != nil {
		panic(err)
	}
	names := configNames()
	for _, f := range files {
		names = append(names, path.Join("data", f.Name()))
	}
	return names
}
