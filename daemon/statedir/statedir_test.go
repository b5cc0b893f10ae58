package statedir

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

func TestOneDaemonAStateDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	d, err := Open(path)
	require.NoError(t, err)
	_, err = Open(path)
	var e *api.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, api.CodeStateInUse, e.Code)
	require.Contains(t, e.Message, "process "+strconv.Itoa(os.Getpid())+")")
	require.Contains(t, e.Message, path)
	require.NoError(t, d.Close())
	d, err = Open(path)
	require.NoError(t, err)
	require.NoError(t, d.Close())
}

func TestNobodyElseMayLookIn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	d, err := Open(path)
	require.NoError(t, err)
	defer d.Close()
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o700), info.Mode().Perm())
}

func TestMaterialiseNamesByContent(t *testing.T) {
	d, err := Open(t.TempDir())
	require.NoError(t, err)
	defer d.Close()
	files := fstest.MapFS{"a/b.py": {Data: []byte("x = 1\n")}, "c.py": {Data: []byte("")}}
	first, err := d.Materialise(files)
	require.NoError(t, err)
	again, err := d.Materialise(files)
	require.NoError(t, err)
	require.Equal(t, first, again)
	data, err := os.ReadFile(filepath.Join(first, "a", "b.py"))
	require.NoError(t, err)
	require.Equal(t, "x = 1\n", string(data))

	files["c.py"] = &fstest.MapFile{Data: []byte("y = 2\n")}
	other, err := d.Materialise(files)
	require.NoError(t, err)
	require.NotEqual(t, first, other)
	entries, err := os.ReadDir(filepath.Join(d.Path(), "lib"))
	require.NoError(t, err)
	require.Len(t, entries, 2, "no temporary directory is left")
}

// A power cut may leave files whose names were written and whose content was not.
func TestMaterialiseMendsWhatIsDamaged(t *testing.T) {
	d, err := Open(t.TempDir())
	require.NoError(t, err)
	defer d.Close()
	files := fstest.MapFS{"a/b.py": {Data: []byte("x = 1\n")}, "c.py": {Data: []byte("y = 2\n")}}
	dir, err := d.Materialise(files)
	require.NoError(t, err)
	cache := filepath.Join(dir, "a", "b.pyc")
	require.NoError(t, os.WriteFile(cache, nil, 0o600))
	_, err = d.Materialise(files)
	require.NoError(t, err)
	require.FileExists(t, cache, "what is whole stays")
	for _, damage := range []func(path string) error{func(path string) error { return os.Truncate(path, 0) }, os.Remove} {
		require.NoError(t, damage(filepath.Join(dir, "a", "b.py")))
		again, err := d.Materialise(files)
		require.NoError(t, err)
		require.Equal(t, dir, again)
		data, err := os.ReadFile(filepath.Join(dir, "a", "b.py"))
		require.NoError(t, err)
		require.Equal(t, "x = 1\n", string(data))
	}
	entries, err := os.ReadDir(filepath.Join(d.Path(), "lib"))
	require.NoError(t, err)
	require.Len(t, entries, 1)
}
