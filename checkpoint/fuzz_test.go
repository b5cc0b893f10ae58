package checkpoint

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// judge is Verify of bytes in memory.
func judge(t *testing.T, name string, b []byte, opt Options, each func(*Tensor) error) Verdict {
	t.Helper()
	if len(b) == 0 {
		return Verdict{Reason: "is empty"}
	}
	i := &inspection{ctx: context.Background(), opt: opt, each: each, name: ParseName(name), v: Verdict{Path: name, Bytes: int64(len(b))}}
	v, err := i.verdict(i.content(bytes.NewReader(b), int64(len(b))))
	require.NoError(t, err)
	return v
}

// checkProperties holds for whatever bytes are under whatever name.
func checkProperties(t *testing.T, name string, b []byte) {
	total := int64(0)
	v := judge(t, name, b, Options{}, func(x *Tensor) error {
		sum := int64(0)
		for _, s := range x.sections {
			require.True(t, s.off >= 0 && s.len >= 0 && s.off+s.len <= int64(len(b)), "a section outside the file")
			sum += s.len
		}
		if x.Type != mapType {
			require.Equal(t, x.Bytes, sum)
		}
		total += sum
		return nil
	})
	require.LessOrEqual(t, total, int64(len(b)), "tensors overlap")
	require.Equal(t, v.Complete, v.Reason == "")
	require.NotContains(t, v.Reason, "\n")

	deep := judge(t, name, b, Options{Deep: true}, nil)
	if deep.Complete != v.Complete {
		require.Equal(t, CRCMismatch, deep.Deep.CRC, "reading more finds only a wrong CRC")
	}
	if v.Complete {
		cut := judge(t, name, b[:len(b)-1], Options{}, nil)
		require.False(t, cut.Complete, "complete without its last byte")
		more := judge(t, name, append(b[:len(b):len(b)], 0), Options{}, nil)
		require.False(t, more.Complete, "complete with a byte too many")
	}
}

func addSamples(f *testing.F, pattern string) {
	files, err := filepath.Glob(filepath.Join(samples, pattern))
	require.NoError(f, err)
	require.NotEmpty(f, files)
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(b)
	}
}

func FuzzCkpt(f *testing.F) {
	addSamples(f, "types/*.ckpt")
	f.Add(training(1, 20, 20))
	f.Add(append(recordBytes("w", "Float32", []int64{4}, make([]byte, 12)), recordBytes("w", "Float32", []int64{4}, make([]byte, 4))...))
	f.Add(recordHead("w", "Float32", []int64{1 << 59}, 1<<61))
	f.Add([]byte("\x0a\x18\x0a\x01m\x1a\x13\x0a\x11\x08\x02\x12\x05int32\x1a\x08\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		checkProperties(t, "a.ckpt", b)
		checkProperties(t, "llama_rank_0-1_20.ckpt", b)
	})
}

func FuzzSafetensors(f *testing.F) {
	addSamples(f, "types/*.safetensors")
	f.Add(safetensors(`{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"v":{"dtype":"U8","shape":[],"data_offsets":[8,9]}}`, 9))
	f.Add(safetensors(`{"__metadata__":{"crc_num":"1"},"e":{"dtype":"F16","shape":[0],"data_offsets":[0,0]}}`, 0))
	f.Fuzz(func(t *testing.T, b []byte) { checkProperties(t, "a.safetensors", b) })
}

func FuzzName(f *testing.F) {
	for _, s := range []string{"llama_rank_0_1-2_24.ckpt", "x_rank_0-network-1_2.safetensors", ".tmpoEMK45", "a.tmp", "meta.json",
		"ckpt_strategy_rank_0.ckpt", "model-0000000-0000008.safetensors", "llama_rank_0-1_20_breakpoint.ckpt", "", "/", "rank_/x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n := ParseName(s)
		require.Equal(t, n.Epoch == nil, n.Step == nil)
		require.GreaterOrEqual(t, n.Rank, -1)
		if n.Kind == KindTraining {
			require.NotNil(t, n.Step)
			require.NotEmpty(t, n.Format)
		}
		require.GreaterOrEqual(t, RankOf(s), 0)
	})
}
