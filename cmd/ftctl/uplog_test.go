package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestALogThatHasGrownIsPutAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ftd.log")
	write := func(text string) {
		t.Helper()
		log, err := openLog(path)
		require.NoError(t, err)
		_, err = log.WriteString(text)
		require.NoError(t, err)
		require.NoError(t, log.Close())
	}
	write("first\n")
	write("second\n")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "first\nsecond\n", string(text))

	require.NoError(t, os.Truncate(path, logMost+1))
	write("third\n")
	text, err = os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "third\n", string(text))
	info, err := os.Stat(path + ".1")
	require.NoError(t, err)
	require.EqualValues(t, logMost+1, info.Size())
}
