package checkpoint

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// allocated measures how much memory is asked for while verifying, all told.
func allocated(t *testing.T, path string, opt Options) (uint64, Verdict) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	v, err := Verify(context.Background(), path, opt)
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	return after.TotalAlloc - before.TotalAlloc, v
}

// However large a file, or however large it says to be, the memory is that of
// a buffer.
func TestMemoryIsBounded(t *testing.T) {
	dir := t.TempDir()

	// 4.5 GiB in nine slices of one tensor, all holes.
	big := sparseCkpt(t, filepath.Join(dir, "big.ckpt"))
	n, v := allocated(t, big, Options{})
	require.True(t, v.Complete, v.Reason)
	require.Less(t, n, uint64(1<<20), "structure")

	// Sizes that nobody has memory for.
	for _, head := range [][]byte{
		recordHead("w", "Float32", []int64{1 << 59}, 1<<61),
		[]byte("\x0a\xff\xff\xff\xff\xff\xff\xff\x7f\x0a\xff\xff\xff\xff\xff\xff\x7f"),
		binary.LittleEndian.AppendUint64(nil, math.MaxInt64),
		append(binary.LittleEndian.AppendUint64(nil, maxHeader), '{'),
	} {
		n, v = allocated(t, write(t, dir, "absurd.ckpt", head), Options{})
		require.False(t, v.Complete)
		require.Less(t, n, uint64(1<<20), v.Reason)
	}

	// A header of 90 MB that is one name.
	long := safetensors(`{"`+strings.Repeat("n", 90_000_000), 0)
	n, v = allocated(t, write(t, dir, "long.safetensors", long), Options{})
	require.Contains(t, v.Reason, "a name or number")
	require.Less(t, n, uint64(1<<20))
	require.NoError(t, os.Remove(filepath.Join(dir, "long.safetensors")))

	// One that names a million tensors.
	var many bytes.Buffer
	many.WriteByte('{')
	for i := range 1_000_000 {
		fmt.Fprintf(&many, `"%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},`, i)
	}
	n, v = allocated(t, write(t, dir, "many.safetensors", safetensors(many.String(), 0)), Options{})
	require.Equal(t, "its header names more than 320000 tensors", v.Reason)
	require.Less(t, n, uint64(512<<20), "all told; most of it is garbage at once")
}

// sparseCkpt writes 4.5 GiB of zeros as MindSpore slices them, without using
// the disk: the contents are holes.
func sparseCkpt(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	off := int64(0)
	put := func(b []byte) {
		_, err := f.WriteAt(b, off)
		require.NoError(t, err)
		off += int64(len(b))
	}
	put(recordBytes("first", "Float32", nil, make([]byte, 4)))
	const slice = 512 << 20
	for range 9 {
		put(recordHead("embedding", "Float32", []int64{9, 128 << 20}, slice))
		off += slice
	}
	put(recordBytes("last", "Float32", nil, make([]byte, 4)))
	put(trainingTail(1, 20))
	return path
}

// A tensor above 512 MiB is several records, and a file above 4 GiB needs 64
// bits for everything.
func TestSlicedTensorAbove4GiB(t *testing.T) {
	path := sparseCkpt(t, filepath.Join(t.TempDir(), "llama_rank_0-1_20.ckpt"))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Greater(t, info.Size(), int64(math.MaxUint32))
	var big *Tensor
	v, err := Inspect(context.Background(), path, Options{}, func(x *Tensor) error {
		if x.Name == "embedding" {
			big = x
		}
		return nil
	})
	require.NoError(t, err)
	require.True(t, v.Complete, v.Reason)
	require.Equal(t, 6, v.Tensors)
	require.Equal(t, int64(9*512<<20), big.Bytes)
	require.Len(t, big.sections, 9)
	require.Equal(t, int64(20), *v.Step, "read from beyond 4 GiB")

	// Without its last slice the tensor is too short, wherever the cut is.
	for _, size := range []int64{4<<30 + 500, 513 << 20, 1 << 20} {
		require.NoError(t, os.Truncate(path, size))
		v, err := Verify(context.Background(), path, Options{})
		require.NoError(t, err)
		require.Contains(t, v.Reason, `cut off within tensor "embedding"`)
	}
}
