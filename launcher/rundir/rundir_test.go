package rundir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// small mounts a filesystem of 64 KiB.
func small(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("ftd-test", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("needs the right to mount a small filesystem: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return dir
}

// fill writes until the disk is full.
func fill(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "filler"))
	require.NoError(t, err)
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 1<<10))
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
}

func TestStatusOnAFullDisk(t *testing.T) {
	dir := small(t)
	r, err := Reserve(filepath.Join(dir, ExitFile))
	require.NoError(t, err)
	_, err = ReadExit(dir)
	require.ErrorIs(t, err, fs.ErrNotExist, "reserved is not there")
	fill(t, dir)
	require.Error(t, WriteSpec(dir, Spec{}), "the disk is full")

	exit := Exit{Code: 137, Signal: "SIGKILL", Ended: time.Now().UTC().Round(time.Second), Error: strings.Repeat("e", 2000)}
	require.NoError(t, r.Commit(exit))
	got, err := ReadExit(dir)
	require.NoError(t, err)
	require.Equal(t, exit, got)

	other := filepath.Join(dir, "run")
	require.NoError(t, os.Mkdir(other, 0o750))
	_, err = Reserve(filepath.Join(other, ExitFile))
	require.ErrorIs(t, err, syscall.ENOSPC)
	entries, err := os.ReadDir(other)
	require.NoError(t, err)
	require.Empty(t, entries, "what could not be reserved is not left behind")
}

func TestReservedOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), ShimFile)
	r, err := Reserve(path)
	require.NoError(t, err)
	_, err = Reserve(path)
	require.ErrorIs(t, err, fs.ErrExist)
	r.Release()
	require.NoFileExists(t, path+".tmp")
}

// Somebody who tidies up temporary files must not cost the status.
func TestReservedFileWasDeleted(t *testing.T) {
	dir := t.TempDir()
	r, err := Reserve(filepath.Join(dir, ExitFile))
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(dir, ExitFile+".tmp")))
	require.NoError(t, r.Commit(Exit{Code: 3}))
	got, err := ReadExit(dir)
	require.NoError(t, err)
	require.Equal(t, 3, got.Code)
}

func TestSpecIsPrivateAndWhole(t *testing.T) {
	dir := t.TempDir()
	s := Spec{Version: 1, Run: "job/train.1", Token: "t", Command: []string{"python", "训练.py"}, Dir: "/", Env: []string{"HF_TOKEN=secret"}, Log: "rank_0.log"}
	require.NoError(t, WriteSpec(dir, s))
	got, err := ReadSpec(dir)
	require.NoError(t, err)
	require.Equal(t, s, got)
	info, err := os.Stat(filepath.Join(dir, SpecFile))
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), "it holds the secrets of the environment")
}

func TestReadersNameTheFile(t *testing.T) {
	dir := t.TempDir()
	for name, read := range map[string]func() error{
		SpecFile: func() error { _, err := ReadSpec(dir); return err },
		ShimFile: func() error { _, err := ReadShim(dir); return err },
		ExitFile: func() error { _, err := ReadExit(dir); return err },
	} {
		require.ErrorIs(t, read(), fs.ErrNotExist)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(`{"version":`), 0o600))
		err := read()
		require.ErrorContains(t, err, filepath.Join(dir, name))
		require.False(t, errors.Is(err, fs.ErrNotExist))
	}
}
