package cmd_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// condaPrefix makes a prefix with the layout of a conda environment: its own
// interpreter, shared library, standard library and packages, at a place that
// none of them was built for.
func condaPrefix(t *testing.T, base string) string {
	t.Helper()
	prefix := filepath.Join(t.TempDir(), "miniconda3", "envs", "ms")
	out, err := exec.Command(filepath.Join(base, "bin", "python"), "-c", `
import os, sys, sysconfig
print(os.path.realpath(sys.executable))
print(sysconfig.get_path("stdlib", vars={"base": sys.base_prefix, "installed_base": sys.base_prefix}))
multiarch = os.path.join("/usr/lib", sysconfig.get_config_var("MULTIARCH") or "")
for folder in (sysconfig.get_config_var("LIBDIR"), os.path.join(sys.base_prefix, "lib"), multiarch):
    library = os.path.join(folder, sysconfig.get_config_var("INSTSONAME"))
    if os.path.exists(library):
        print(library)
        break
`).Output()
	require.NoError(t, err)
	parts := strings.Fields(string(out))
	require.Len(t, parts, 3)
	program, standard, library := parts[0], parts[1], parts[2]

	minor := filepath.Base(standard) // python3.11
	for _, dir := range []string{"bin", "conda-meta", filepath.Join("lib", minor, "site-packages")} {
		require.NoError(t, os.MkdirAll(filepath.Join(prefix, dir), 0o755))
	}
	require.NoError(t, os.WriteFile(filepath.Join(prefix, "conda-meta", "history"), nil, 0o600))
	copied := func(from, to string, mode os.FileMode) {
		content, err := os.ReadFile(from)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(to, content, mode))
	}
	copied(program, filepath.Join(prefix, "bin", minor), 0o755)
	require.NoError(t, os.Symlink(minor, filepath.Join(prefix, "bin", "python")))
	copied(library, filepath.Join(prefix, "lib", filepath.Base(library)), 0o644)
	entries, err := os.ReadDir(standard)
	require.NoError(t, err)
	for _, entry := range entries {
		if entry.Name() != "site-packages" {
			require.NoError(t, os.Symlink(filepath.Join(standard, entry.Name()), filepath.Join(prefix, "lib", minor, entry.Name())))
		}
	}
	return prefix
}

// only is a package that this environment has and no other.
func only(t *testing.T, env string) {
	t.Helper()
	sites, err := filepath.Glob(filepath.Join(env, "lib", "python*", "site-packages"))
	require.NoError(t, err)
	require.Len(t, sites, 1)
	require.NoError(t, os.WriteFile(filepath.Join(sites[0], "only_here.py"), []byte(`
import subprocess, sys

def who():
    spawned = subprocess.run([sys.executable, "-c", "import sys; print(sys.prefix)"], stdout=subprocess.PIPE, check=True)
    with open("/proc/self/maps") as maps:
        libraries = {line.split()[-1] for line in maps if "/libpython" in line}
    return [sys.prefix, sys.base_prefix, sys.executable, spawned.stdout.decode().strip(), sorted(libraries)]
`), 0o600))
}

func TestEnvironmentsOfCondaAndVenv(t *testing.T) {
	h := newHouse(t)
	conda := condaPrefix(t, h.env)
	libraries, err := filepath.Glob(filepath.Join(conda, "lib", "libpython*"))
	require.NoError(t, err)
	require.Len(t, libraries, 1)
	venv := filepath.Join(t.TempDir(), "venv")
	cmd := exec.Command(filepath.Join(conda, "bin", "python"), "-m", "venv", "--without-pip", venv)
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+filepath.Dir(libraries[0]))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)

	for name, env := range map[string]string{"conda": conda, "venv of a conda environment": venv} {
		t.Run(name, func(t *testing.T) {
			only(t, env)
			h.env = env
			h.start()
			defer h.terminate()
			for _, isolation := range []string{"", "worker"} {
				r, err := h.client().Call(t.Context(), api.CallRequest{Module: "only_here", Function: "who", Isolation: isolation})
				require.NoError(t, err)
				text, err := json.Marshal(r.Result)
				require.NoError(t, err)
				want, err := json.Marshal([]any{env, conda, filepath.Join(env, "bin", "python"), env, libraries})
				require.NoError(t, err)
				require.JSONEq(t, string(want), string(text))
			}
		})
	}
}
