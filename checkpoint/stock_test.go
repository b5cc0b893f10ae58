package checkpoint

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// stockNames are the tensors of stock checkpoints of a small network, in the
// order in which MindSpore 2.0.0 and 2.7.0 write them, by optimizer.
func stockNames() map[string][]string {
	weights := []string{"a.weight", "a.bias", "bn.gamma", "bn.beta", "bn.moving_mean", "bn.moving_variance"}
	of := func(between []string, kinds ...string) []string {
		names := append(append([]string{}, weights...), "global_step", "learning_rate")
		names = append(names, between...)
		for _, k := range kinds {
			for _, w := range weights[:4] {
				names = append(names, k+"."+w)
			}
		}
		return names
	}
	return map[string][]string{
		"Adam":            of([]string{"beta1_power", "beta2_power"}, "moment1", "moment2"),
		"AdamWeightDecay": of(nil, "adam_m", "adam_v"),
		"SGD":             of([]string{"momentum"}, "accum", "stat"),
		"Momentum":        of([]string{"momentum"}, "moments"),
	}
}

func stockFile(names []string) []byte {
	var b []byte
	for _, n := range names {
		b = append(b, recordBytes(n, "Float32", []int64{1}, make([]byte, 4))...)
	}
	return b
}

// What MindSpore's own callback writes is complete as it is, and one that was
// cut between any two tensors is not.
func TestStockCheckpoints(t *testing.T) {
	for optimizer, names := range stockNames() {
		v := verdictOf(t, "lenet-2_3.ckpt", stockFile(names), Options{})
		require.True(t, v.Complete, "%s: %s", optimizer, v.Reason)
		for n := 1; n < len(names); n++ {
			v := verdictOf(t, "lenet-2_3.ckpt", stockFile(names[:n]), Options{})
			require.False(t, v.Complete, "%s after %s", optimizer, names[n-1])
		}
		// With a rank in its name it is mindformers', which ends it otherwise.
		require.False(t, verdictOf(t, "lenet_rank_0-2_3.ckpt", stockFile(names), Options{}).Complete)
		// So does what holds a tensor of its own, whatever its name.
		own := append([]string{"scale_sense"}, names...)
		require.False(t, verdictOf(t, "lenet-2_3.ckpt", stockFile(own), Options{}).Complete)
	}
}

func TestStockCheckpointSaysWhatIsMissing(t *testing.T) {
	names := stockNames()["Adam"]
	for lost, reason := range map[int]string{
		1:  "the optimizer's state has 3 of 4 tensors moment2.*",
		4:  "the optimizer's state has moment1.*, but no moment2.*",
		12: "has no epoch_num, step_num, loss_scale",
	} {
		v := verdictOf(t, "lenet-2_3.ckpt", stockFile(names[:len(names)-lost]), Options{})
		require.Contains(t, v.Reason, reason)
	}
}

// append_info puts epoch_num and step_num behind the optimizer's state.
func TestStockCheckpointWithPosition(t *testing.T) {
	content := append(stockFile(stockNames()["Momentum"]), int64Record("epoch_num", 2)...)
	require.False(t, verdictOf(t, "CKP-2_3.ckpt", content, Options{}).Complete)
	v := verdictOf(t, "CKP-2_3.ckpt", append(content, int64Record("step_num", 6)...), Options{})
	require.True(t, v.Complete, v.Reason)
	require.EqualValues(t, 6, *v.Step)
}

// The header of a safetensors file says how long it is: nothing can be cut off
// unseen, so none of the last tensors is needed.
func TestStockSafetensors(t *testing.T) {
	header := `{"w":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}`
	require.True(t, verdictOf(t, "lenet-1_3.safetensors", safetensors(header, 4), Options{}).Complete)
	v := verdictOf(t, "lenet_rank_0-1_3.safetensors", safetensors(header, 4), Options{})
	require.Contains(t, v.Reason, "without which no training goes on from it")
	require.Contains(t, verdictOf(t, "lenet-1_3.safetensors", safetensors(header, 3), Options{}).Reason, "cut off: 1 of")
}
