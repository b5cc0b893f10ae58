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
