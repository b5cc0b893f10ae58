package checkpoint

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// largeCkpt writes 1.4 GB like a LLaMA of 700 million parameters in float16,
// with its optimiser's many small tensors.
func largeCkpt(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "llama_rank_0-1_20.ckpt")
	f, err := os.Create(path)
	require.NoError(b, err)
	w := bufio.NewWriterSize(f, 1<<20)
	data := make([]byte, 5<<20)
	for i := range data {
		data[i] = byte(rand.Uint32()) & 0xbf // finite as float16, and as float32
	}
	put := func(p []byte) {
		_, err := w.Write(p)
		require.NoError(b, err)
	}
	for i := range 280 {
		put(recordHead(fmt.Sprintf("model.layers.%d.weight", i), "Float16", []int64{5, 1 << 19}, int64(len(data))))
		put(data)
		put(recordBytes(fmt.Sprintf("adam_m.layers.%d.norm", i), "Float32", []int64{512}, data[:2048]))
	}
	put(trainingTail(1, 20))
	require.NoError(b, w.Flush())
	require.NoError(b, f.Close())
	return path
}

// BenchmarkVerify is the figure for 1.4 GB in the page cache: at most 50 ms for
// the structure, at least 1 GB/s for every byte.
func BenchmarkVerify(b *testing.B) {
	path := largeCkpt(b)
	for _, deep := range []bool{false, true} {
		b.Run(map[bool]string{false: "structure", true: "deep"}[deep], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				v, err := Verify(context.Background(), path, Options{Deep: deep})
				require.NoError(b, err)
				require.True(b, v.Complete, v.Reason)
				b.SetBytes(v.Bytes)
			}
		})
	}
}
