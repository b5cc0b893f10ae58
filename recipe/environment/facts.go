package environment

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"ftd/recipe/expression"
)

// Facts are what an environment is.
type Facts struct {
	Prefix string `json:"prefix"`
	Python string `json:"python"` // its version: "3.9.18"
	// Packages are the versions of what is installed, by [Name].
	Packages map[string]string `json:"packages"`
}

// inspect runs in the environment: any Python from 3.7 on, with pkg_resources
// where there is no importlib.metadata yet.
const inspect = `
import json, sys
try:
    from importlib.metadata import distributions
    found = [(d.metadata["Name"], d.version) for d in distributions()]
except ImportError:
    import pkg_resources
    found = [(d.project_name, d.version) for d in pkg_resources.working_set]
print(json.dumps({"prefix": sys.prefix, "python": ".".join(map(str, sys.version_info[:3])),
                  "packages": {n: v for n, v in reversed(found) if n}}))
`

// Python is the interpreter of the environment at prefix.
func Python(prefix string) string { return filepath.Join(prefix, "bin", "python") }

// Inspect looks at the environment at prefix.
func Inspect(ctx context.Context, prefix string) (Facts, error) {
	cmd := exec.CommandContext(ctx, Python(prefix), "-I", "-B", "-c", inspect)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		if lines := strings.Split(strings.TrimSpace(said.String()), "\n"); lines[len(lines)-1] != "" {
			err = fmt.Errorf("%w: %s", err, lines[len(lines)-1])
		}
		return Facts{}, fmt.Errorf("%s does not work: %w", Python(prefix), err)
	}
	var f Facts
	if err := json.Unmarshal(out, &f); err != nil {
		return Facts{}, fmt.Errorf("%s answers %q", Python(prefix), out)
	}
	named := make(map[string]string, len(f.Packages))
	for name, version := range f.Packages {
		named[Name(name)] = version
	}
	f.Packages = named
	return f, nil
}

var separators = expression.Lazily(`[-_.]+`)

// Name is the one spelling of a package's name (PEP 503).
func Name(name string) string {
	return strings.ToLower(separators().ReplaceAllString(strings.TrimSpace(name), "-"))
}

// marker is the file beside an environment that was created here.
func marker(prefix string) string { return filepath.Clean(prefix) + ".made-by-ftd" }

// What a marker says.
const (
	atWork  = "ftd is at work on this environment, and makes it anew if that was interrupted.\n"
	created = "ftd created this environment, and may change it.\n"
)

// Begin says that the environment at prefix is being created here, or that one
// which was is being changed; [Mark] says that this has ended well.
func Begin(prefix string) error { return os.WriteFile(marker(prefix), []byte(atWork), 0o644) }

// Mark says that the environment at prefix was created here, and is whole.
func Mark(prefix string) error { return os.WriteFile(marker(prefix), []byte(created), 0o644) }

// HalfMade says that work on the environment at prefix was begun here and never
// ended: it may have a Python without pip, or half a package that names itself
// as installed.
func HalfMade(prefix string) bool {
	text, err := os.ReadFile(marker(prefix))
	return err == nil && string(text) == atWork
}

// Discard removes an environment that is half made; no other.
func Discard(prefix string) {
	if HalfMade(prefix) && os.RemoveAll(prefix) == nil {
		os.Remove(marker(prefix))
	}
}

// Ours says whether the environment at prefix was created here.
func Ours(prefix string) bool {
	_, err := os.Stat(marker(prefix))
	return err == nil
}
