package engine

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestHowLongAFileWasWritten(t *testing.T) {
	before := time.Now().Add(-time.Second) // the clock of files is coarse
	path := filepath.Join(t.TempDir(), "a.ckpt")
	require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
	if _, known := writing(path, before); !known {
		t.Skip("this filesystem does not keep when a file was made")
	}
	later := time.Now().Add(3 * time.Second)
	require.NoError(t, os.Chtimes(path, later, later))
	took, known := writing(path, before)
	require.True(t, known)
	require.InDelta(t, 3, took.Seconds(), 2)

	_, known = writing(path, time.Now().Add(time.Second))
	require.False(t, known, "it was only written over")
	_, known = writing(path+".gone", before)
	require.False(t, known)
}
