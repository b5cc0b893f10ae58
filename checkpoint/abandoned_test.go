package checkpoint

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A save that died is told of while the training goes on, once a later one is
// complete: before that its writer may be at work.
func TestASaveThatDiedIsToldOfAfterTheNextOne(t *testing.T) {
	sample, err := os.ReadFile("../testdata/checkpoints/mf160-ms270-complete-ckpt/tiny_llama_rank_0-1_64.ckpt")
	require.NoError(t, err)
	dir := t.TempDir()
	w := newWatcher(t, fast, dir)
	ago := func(path string, age time.Duration) {
		at := time.Now().Add(-age)
		require.NoError(t, os.Chtimes(path, at, at))
	}
	cut := write(t, dir, "rank_0/llama_rank_0-1_10.ckpt", sample[:len(sample)/2])
	temp := write(t, dir, "rank_0/llama_rank_0-1_20.ckpt.tmp", nil)
	other := write(t, dir, "rank_1/llama_rank_1-1_20.ckpt.tmp", nil)
	for i, path := range []string{cut, temp, other} {
		ago(path, time.Duration(10-i)*time.Second)
	}
	require.Empty(t, settle(t, w))
	whole := write(t, dir, "rank_0/llama_rank_0-1_64.ckpt", sample)
	later := write(t, dir, "rank_0/llama_rank_0-1_70.ckpt.tmp", sample[:100])
	var found []Found
	for len(found) < 3 {
		found = append(found, settle(t, w)...)
	}
	require.Equal(t, []string{"llama_rank_0-1_64.ckpt true", "llama_rank_0-1_10.ckpt false", "llama_rank_0-1_20.ckpt.tmp false"}, paths(found))
	require.Contains(t, found[1].Reason, "cut off")
	require.Contains(t, found[2].Reason, "a save that did not finish")
	require.Empty(t, settle(t, w), "told twice")

	left, err := Leftovers(t.Context(), dir)
	require.NoError(t, err)
	require.Equal(t, []string{temp, later, other}, left)
	require.Equal(t, []string{"llama_rank_1-1_20.ckpt.tmp false", "llama_rank_0-1_70.ckpt.tmp false"}, paths(sweep(t, w)))
	require.FileExists(t, whole)
}
