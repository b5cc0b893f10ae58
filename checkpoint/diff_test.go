package checkpoint

import (
	"context"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func floats(v ...float32) []byte {
	var b []byte
	for _, f := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(f))
	}
	return b
}

func TestDiff(t *testing.T) {
	dir := t.TempDir()
	a := recordBytes("same", "Float32", []int64{2}, floats(1, 2))
	a = append(a, recordBytes("values", "Float32", []int64{3}, floats(1, 2, 3))...)
	a = append(a, recordBytes("shape", "Float32", []int64{2}, floats(1, 2))...)
	a = append(a, recordBytes("gone", "Int32", nil, make([]byte, 4))...)
	b := recordBytes("values", "Float32", []int64{3}, floats(1, 2.5, float32(math.NaN())))
	b = append(b, recordBytes("new", "Int32", nil, make([]byte, 4))...)
	b = append(b, recordBytes("shape", "Float32", []int64{2, 1}, floats(1, 2))...)
	b = append(b, recordBytes("same", "Float32", []int64{2}, floats(1))...) // in slices
	b = b[:len(b)-4-len(recordHead("same", "Float32", []int64{2}, 4))]
	b = append(b, recordBytes("same", "Float32", []int64{2}, floats(1))...)
	b = append(b, recordBytes("same", "Float32", []int64{2}, floats(2))...)
	fa, fb := write(t, dir, "a.ckpt", a), write(t, dir, "b.ckpt", b)

	d, err := Diff(context.Background(), fa, fb, Options{})
	require.NoError(t, err)
	require.Equal(t, []string{"gone"}, d.OnlyA)
	require.Equal(t, []string{"new"}, d.OnlyB)
	require.Len(t, d.Changed, 1)
	require.Equal(t, "shape", d.Changed[0].Name)
	require.Equal(t, 2, d.Same)
	require.False(t, d.Equal())

	d, err = Diff(context.Background(), fa, fb, Options{Deep: true})
	require.NoError(t, err)
	require.Equal(t, 1, d.Same)
	require.Equal(t, []ChangedValues{{Name: "values", Elements: 2, Of: 3, Largest: 0.5}}, d.Values)

	d, err = Diff(context.Background(), fa, fa, Options{Deep: true})
	require.NoError(t, err)
	require.True(t, d.Equal())

	require.NoError(t, os.Truncate(fb, 30))
	_, err = Diff(context.Background(), fa, fb, Options{})
	require.ErrorIs(t, err, ErrIncomplete)
}

// MindSpore's own pair of files: the same tensors in both formats.
func TestDiffAcrossFormats(t *testing.T) {
	d, err := Diff(context.Background(), filepath.Join(samples, "types/ms270-crc.ckpt"), filepath.Join(samples, "types/ms270-crc.safetensors"), Options{Deep: true})
	require.NoError(t, err)
	require.True(t, d.Equal(), "%+v", d)
	require.Equal(t, 9, d.Same)
}
