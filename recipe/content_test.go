package recipe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// counting counts how often contents were asked for in vain, which is how often
// files were read.
type counting struct {
	*memoryResults
	read int
}

func (c *counting) Content(ctx context.Context, path string, look Look) (string, bool) {
	sum, ok := c.memoryResults.Content(ctx, path, look)
	if !ok {
		c.read++
	}
	return sum, ok
}

func TestAFileIsReadOnceUntilItChanges(t *testing.T) {
	results := &counting{memoryResults: (*memoryResults)(newHost(t))}
	dir := t.TempDir()
	file := filepath.Join(dir, "weights.bin")
	key := func() string {
		t.Helper()
		h := sha256.New()
		require.NoError(t, hashPath(t.Context(), results, h, dir))
		return hex.EncodeToString(h.Sum(nil))
	}
	// until waits for the file's last change to be long enough ago.
	until := func() {
		t.Helper()
		eventually(t, "the file has settled", func() bool {
			info, err := os.Stat(file)
			require.NoError(t, err)
			_, known := lookOf(info)
			return known
		})
	}
	require.NoError(t, os.WriteFile(file, []byte("one"), 0o600))
	first := key()
	require.Zero(t, results.read, "a file that was just written is not looked up")
	require.Empty(t, results.contents, "and not remembered: it may be written to within the same tick")
	until()
	require.Equal(t, first, key())
	require.Equal(t, 1, results.read)
	require.Equal(t, first, key())
	require.Equal(t, 1, results.read, "it was not read again")

	// The same size and time of modification, but another content.
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, []byte("two"), 0o600))
	require.NoError(t, os.Chtimes(file, time.Now(), info.ModTime()))
	until()
	require.NotEqual(t, first, key())
	require.Equal(t, 2, results.read)

	require.NoError(t, os.Rename(file, filepath.Join(dir, "other.bin")))
	require.NotEqual(t, first, key(), "names count")
	require.ErrorIs(t, hashPath(t.Context(), results, sha256.New(), filepath.Join(dir, "gone")), fs.ErrNotExist)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, os.WriteFile(file, []byte("three"), 0o600))
	require.ErrorIs(t, hashPath(ctx, results, sha256.New(), file), context.Canceled)
}
