package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Where nothing was activated, the python that a shell finds is taken, if it has
// MindSpore.
func TestTheEnvironmentInPATHIsTaken(t *testing.T) {
	dir := t.TempDir()
	env := filepath.Join(dir, "env")
	require.NoError(t, os.MkdirAll(filepath.Join(env, "bin"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "python"), []byte("#!/bin/sh\n"), 0o755))
	// As in a venv: a link to what lies elsewhere.
	require.NoError(t, os.Symlink(filepath.Join(dir, "python"), filepath.Join(env, "bin", "python3")))
	t.Setenv("PATH", filepath.Join(env, "bin"))
	require.Empty(t, activeEnvironment(), "without MindSpore it is none")
	mindspore := filepath.Join(env, "lib", "python3.9", "site-packages", "mindspore")
	require.NoError(t, os.MkdirAll(mindspore, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(mindspore, "__init__.py"), nil, 0o600))
	require.Equal(t, env, activeEnvironment())
	t.Setenv("PATH", t.TempDir())
	require.Empty(t, activeEnvironment())
}
