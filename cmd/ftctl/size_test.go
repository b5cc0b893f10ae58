package main

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// ftctl is copied to machines that have nothing else of ours.
func TestFtctlIsSmallAndStatic(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ftctl")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "ftd/cmd/ftctl")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Less(t, info.Size(), int64(15_000_000),
		"what is heavy: go tool nm -size -sort size. A caller of text/template alone costs 3 MB: see help.go")
	file, err := elf.Open(path)
	require.NoError(t, err)
	defer file.Close()
	for _, p := range file.Progs {
		require.NotEqual(t, elf.PT_INTERP, p.Type, "it must be static")
	}
}
