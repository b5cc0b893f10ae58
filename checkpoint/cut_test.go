package checkpoint

import (
	"context"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// verdictOf writes content under a name and judges it.
func verdictOf(t testing.TB, name string, content []byte, opt Options) Verdict {
	t.Helper()
	v, err := Verify(context.Background(), write(t, t.TempDir(), name, content), opt)
	require.NoError(t, err)
	return v
}

// A small file is cut at every byte. Only cuts between two tensors of a file
// that is no training checkpoint pass; nothing can tell those apart from whole
// files, unless there is one to compare with.
func TestEveryCutOfSmallFiles(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(samples, "types/*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		if strings.Contains(file, "aes") || strings.Contains(file, "sm4") {
			continue // not complete to begin with
		}
		between := map[int]bool{}
		if filepath.Ext(file) == ".ckpt" {
			between = boundaries(t, b)
		}
		path := write(t, t.TempDir(), filepath.Base(file), b)
		for n := len(b) - 1; n >= 0; n-- {
			require.NoError(t, os.Truncate(path, int64(n)))
			v, err := Verify(context.Background(), path, Options{})
			require.NoError(t, err)
			require.Equal(t, between[n], v.Complete, "%s cut to %d bytes: %q", file, n, v.Reason)
			if n%8 != 0 && !between[n] {
				continue
			}
			v, err = Verify(context.Background(), path, Options{Like: file})
			require.NoError(t, err)
			// A CRC trailer is not a tensor that could be missed.
			onlyTrailerLost := between[n] && len(b)-n == crcTrailerLen
			require.Equal(t, onlyTrailerLost, v.Complete, "%s cut to %d bytes, compared with the whole: %q", file, n, v.Reason)
		}
	}
}

// A training checkpoint is cut between tensors, where MindSpore would load it,
// and at many other places.
func TestCutsOfTrainingCheckpoints(t *testing.T) {
	tests := map[string]int{ // cuts between tensors that cannot be seen
		"mf06-ms200-complete/llama_7b_lora_rank_0-1_100.ckpt": 0,
		// The last tensor of mindformers 1.6 is global_batch_size, which
		// earlier versions do not write.
		"mf160-ms270-complete-ckpt/tiny_llama_rank_0-1_64.ckpt":   1,
		"mf160-ms270-complete/tiny_llama_rank_0-1_64.safetensors": 0,
	}
	for file, unseen := range tests {
		file = filepath.Join(samples, file)
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		cuts := map[int]bool{0: true, 1: true, len(b) - 1: true}
		if filepath.Ext(file) == ".ckpt" {
			cuts = boundaries(t, b)
			delete(cuts, len(b))
			require.Greater(t, len(cuts), 60)
		}
		for range 250 {
			cuts[rand.IntN(len(b))] = true
		}
		path := write(t, t.TempDir(), filepath.Base(file), b)
		passed := 0
		for _, n := range slices.Backward(slices.Sorted(maps.Keys(cuts))) {
			require.NoError(t, os.Truncate(path, int64(n)))
			v, err := Verify(context.Background(), path, Options{})
			require.NoError(t, err)
			if v.Complete {
				passed++
				v, err = Verify(context.Background(), path, Options{Like: file})
				require.NoError(t, err)
				require.Contains(t, v.Reason, `lacks 1 tensors`)
				require.Contains(t, v.Reason, `such as "global_batch_size"`)
			}
		}
		require.LessOrEqual(t, passed, unseen, file)
	}
}

// One byte too many is as wrong as one too few.
func TestExtraBytes(t *testing.T) {
	for _, file := range []string{
		"mf06-ms200-complete/llama_7b_lora_rank_0-1_100.ckpt",
		"types/ms270-crc.ckpt",
		"types/ms270-crc.safetensors",
		"mf160-ms270-complete/tiny_llama_rank_0-1_64.safetensors",
	} {
		b, err := os.ReadFile(filepath.Join(samples, file))
		require.NoError(t, err)
		for _, extra := range []string{"\x00", "x", "\n", "\x0a\x02\x0a\x00", strings.Repeat("\x00", 4096)} {
			v := verdictOf(t, filepath.Base(file), append(b[:len(b):len(b)], extra...), Options{})
			require.False(t, v.Complete, "%s with %q after it", file, extra)
			require.NotEmpty(t, v.Reason)
		}
	}
}

// A second half of zeros is a disk that lost what was written: seen in a .ckpt
// by its structure.
func TestZeroedHalf(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(samples, "mf06-ms200-complete/llama_7b_lora_rank_0-1_100.ckpt"))
	require.NoError(t, err)
	clear(b[len(b)/2:])
	require.False(t, verdictOf(t, "x_rank_0-1_100.ckpt", b, Options{}).Complete)
}

// With a CRC every changed byte is seen, by --deep only if it is in the data.
func TestDeepSeesEveryChangedByte(t *testing.T) {
	for _, file := range []string{"ms270-crc.ckpt", "ms270-crc.safetensors"} {
		b, err := os.ReadFile(filepath.Join(samples, "types", file))
		require.NoError(t, err)
		start := 0
		if filepath.Ext(file) == ".safetensors" {
			// The CRC covers names and data, not the rest of the header.
			start = len(b) - 124
		}
		mismatches := 0
		for i := start; i < len(b); i++ {
			b[i] ^= 0x10
			v := judge(t, file, b, Options{Deep: true}, nil)
			require.False(t, v.Complete, "%s with byte %d changed", file, i)
			if v.Deep != nil && v.Deep.CRC == CRCMismatch {
				mismatches++
				require.Contains(t, v.Reason, "the CRC is")
			}
			b[i] ^= 0x10
		}
		require.Greater(t, mismatches, 50)
	}
}
