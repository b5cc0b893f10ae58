package checkpoint

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const samples = "../testdata/checkpoints"

func n64(n int64) *int64 { return &n }

// What MindSpore and mindformers wrote is judged as it really is.
func TestVerifySamples(t *testing.T) {
	tests := []struct {
		path        string
		tensors     int
		format      string
		epoch, step *int64
		global      *int64
		reason      string
		deep        *Deep
	}{
		{path: "mf06-ms200-complete/llama_7b_lora_rank_0-1_100.ckpt", tensors: 76, format: "ckpt", epoch: n64(1), step: n64(100), global: n64(100), deep: &Deep{CRC: CRCNone}},
		{path: "mf160-ms270-complete-ckpt/tiny_llama_rank_0-1_64.ckpt", tensors: 69, format: "ckpt", epoch: n64(1), step: n64(64), global: n64(64), deep: &Deep{CRC: CRCNone}},
		{path: "mf160-ms270-complete/tiny_llama_rank_0-1_64.safetensors", tensors: 69, format: "safetensors", epoch: n64(1), step: n64(64), global: n64(64), deep: &Deep{CRC: CRCNone}},
		{path: "mf160-ms270-complete/meta.json", reason: "the index that mindformers keeps"},
		{path: "ckpt_strategy_rank_0.ckpt", reason: "a strategy file"},
		{path: "damaged/truncated-mid-record_llama_7b_lora_rank_0-2_100.ckpt", tensors: 34, format: "ckpt", epoch: n64(2), step: n64(100),
			reason: `cut off within tensor "model.layers.1.feed_forward.w3.weight": 1107 bytes are missing`},
		{path: "damaged/cut-on-record-boundary_tiny_llama_rank_0-1_60.ckpt", tensors: 35, format: "ckpt", epoch: n64(1), step: n64(60), global: n64(60),
			reason: "has no epoch_num, step_num, loss_scale", deep: &Deep{CRC: CRCNone}},
		{path: "damaged/truncated_tiny_llama_rank_0-1_60.safetensors", tensors: 41, format: "safetensors", epoch: n64(1), step: n64(60),
			reason: `cut off: 253802 of 564004 bytes are missing, from "adam_v.model.layers.1.feed_forward.w3.weight" on, tensor 42 of 69`},
		{path: "types/ms200-scalars-and-str.ckpt", tensors: 13, format: "ckpt", epoch: n64(3), deep: &Deep{CRC: CRCNone}},
		{path: "types/ms270-scalars-and-str.ckpt", tensors: 13, format: "ckpt", epoch: n64(3), deep: &Deep{CRC: CRCNone}},
		{path: "types/ms270-bf16.ckpt", tensors: 10, format: "ckpt", deep: &Deep{CRC: CRCNone}},
		{path: "types/ms270-crc.ckpt", tensors: 9, format: "ckpt", deep: &Deep{CRC: CRCOK}},
		{path: "types/ms270-crc.safetensors", tensors: 9, format: "safetensors", deep: &Deep{CRC: CRCOK}},
		{path: "types/ms270-nonfinite.ckpt", tensors: 8, format: "ckpt", deep: &Deep{CRC: CRCNone, NaN: 4, Inf: 5, NonFinite: []string{"f32", "f16", "f64", "bf16"}}},
		{path: "types/ms270-nonfinite.safetensors", tensors: 7, format: "safetensors", deep: &Deep{CRC: CRCOK, NaN: 3, Inf: 4, NonFinite: []string{"f16", "f32", "f64"}}},
		{path: "types/ms270-int4.ckpt", tensors: 2, format: "ckpt", deep: &Deep{CRC: CRCNone}},
		{path: "types/ms270-int4.safetensors", tensors: 2, format: "safetensors", deep: &Deep{CRC: CRCNone}},
		{path: "types/ms270-aes-gcm.ckpt", format: "ckpt", reason: "encrypted (AES-GCM)"},
		{path: "types/ms270-aes-cbc.ckpt", format: "ckpt", reason: "encrypted (AES-CBC)"},
		{path: "types/ms270-sm4-cbc.ckpt", format: "ckpt", reason: "encrypted (SM4-CBC)"},
	}
	covered := map[string]bool{"README.md": true}
	for _, test := range tests {
		covered[test.path] = true
		for _, deep := range []bool{false, true} {
			t.Run(test.path, func(t *testing.T) {
				path := filepath.Join(samples, test.path)
				v, err := Verify(context.Background(), path, Options{Deep: deep})
				require.NoError(t, err)
				require.Equal(t, test.reason == "", v.Complete, v.Reason)
				require.Contains(t, v.Reason, test.reason)
				require.Equal(t, v.Complete, v.Reason == "")
				require.Equal(t, test.format, v.Format)
				require.Equal(t, test.tensors, v.Tensors)
				require.Equal(t, test.epoch, v.Epoch)
				require.Equal(t, test.step, v.Step)
				require.Equal(t, test.global, v.GlobalStep)
				if !deep {
					require.Nil(t, v.Deep)
				} else {
					require.Equal(t, test.deep, v.Deep)
				}
				info, err := os.Stat(path)
				require.NoError(t, err)
				require.Equal(t, info.Size(), v.Bytes)
				require.True(t, info.ModTime().Equal(v.Modified))
			})
		}
	}
	require.NoError(t, filepath.WalkDir(samples, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(samples, path)
			require.True(t, covered[rel], "no test for the sample %s", rel)
		}
		return err
	}))
}

// Tensors are shown with the shapes and types that the files hold.
func TestInspectShowsTensors(t *testing.T) {
	var got []Tensor
	_, err := Inspect(context.Background(), filepath.Join(samples, "types/ms200-scalars-and-str.ckpt"), Options{}, func(x *Tensor) error {
		got = append(got, Tensor{Name: x.Name, Type: x.Type, Shape: x.Shape, Bytes: x.Bytes})
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, Tensor{Name: "w32", Type: "Float32", Shape: []int64{3, 4}, Bytes: 48}, got[0])
	require.Equal(t, Tensor{Name: "s0", Type: "Float32", Shape: []int64{}, Bytes: 4}, got[1], "dims [0] are a scalar")
	require.Equal(t, Tensor{Name: "one", Type: "Float32", Shape: []int64{1}, Bytes: 4}, got[2])
	require.Equal(t, Tensor{Name: "note", Type: "str", Shape: []int64{}, Bytes: 20}, got[12])
}

// Both formats of the same model count the same values.
func TestDeepCountsPerTensor(t *testing.T) {
	want := map[string]Values{"f32": {1, 2}, "f16": {1, 2}, "f64": {1, 0}, "bf16": {1, 1}}
	for _, file := range []string{"ms270-nonfinite.ckpt", "ms270-nonfinite.safetensors"} {
		_, err := Inspect(context.Background(), filepath.Join(samples, "types", file), Options{Deep: true}, func(x *Tensor) error {
			if w, ok := want[x.Name]; ok {
				require.Equal(t, &w, x.Values, "%s of %s", x.Name, file)
			} else {
				require.Nil(t, x.Values, "%s is not a floating-point tensor", x.Name)
			}
			return nil
		})
		require.NoError(t, err)
	}
}
