package space

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRank(t *testing.T) {
	dir := t.TempDir()
	ranked := Rank("", "/no/such/place", dir, "/dev/shm", dir)
	require.NotEmpty(t, ranked)
	for i, p := range ranked {
		require.Positive(t, p.Free)
		if p.Path == "/dev/shm" {
			require.True(t, p.Memory)
		}
		if i > 0 {
			require.LessOrEqual(t, p.Free, ranked[i-1].Free)
		}
	}
}

// How much memory there is changes between two looks.
func TestAPlaceInMemoryHasNoMoreThanThereIs(t *testing.T) {
	require.Eventually(t, func() bool {
		before := Available()
		ranked := Rank("/dev/shm")
		return len(ranked) == 1 && ranked[0].Free <= max(before, Available())
	}, time.Minute, time.Millisecond)
}

func TestFor(t *testing.T) {
	ranked := []Place{{Path: "/dev/shm", Free: 100, Memory: true}, {Path: "/data", Free: 50}, {Path: "/home", Free: 10}}
	for bytes, want := range map[int64]string{5: "/data", 50: "/data", 60: "/dev/shm", 100: "/dev/shm"} {
		p, ok := For(bytes, 0, ranked)
		require.True(t, ok)
		require.Equal(t, want, p.Path, bytes)
	}
	_, ok := For(101, 0, ranked)
	require.False(t, ok)
	_, ok = For(60, 1<<60, ranked)
	require.False(t, ok, "what lies in memory leaves less of it")
	_, ok = For(50, 1<<60, ranked)
	require.True(t, ok)
}

func TestAPlaceThatIsYetToBeMade(t *testing.T) {
	dir := t.TempDir()
	ranked := Rank(filepath.Join(dir, "new"), filepath.Join(dir, "no", "such"))
	require.Len(t, ranked, 1)
	require.Equal(t, Rank(dir)[0].Disk, ranked[0].Disk)
}
