package checkpoint

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseName(t *testing.T) {
	tests := map[string]Name{
		"llama_7b_lora_rank_0-1_100.ckpt":         {Kind: KindTraining, Prefix: "llama_7b_lora", Epoch: n64(1), Step: n64(100), Format: "ckpt"},
		"tiny_llama_rank_0-1_64.safetensors":      {Kind: KindTraining, Prefix: "tiny_llama", Epoch: n64(1), Step: n64(64), Format: "safetensors"},
		"tiny_llama_rank_0_1-2_24.ckpt":           {Kind: KindTraining, Prefix: "tiny_llama", Run: 1, Epoch: n64(2), Step: n64(24), Format: "ckpt"},
		"glm_rank_127_12-3_4.ckpt":                {Kind: KindTraining, Prefix: "glm", Rank: 127, Run: 12, Epoch: n64(3), Step: n64(4), Format: "ckpt"},
		"a-b_rank_3-10_2.ckpt":                    {Kind: KindTraining, Prefix: "a-b", Rank: 3, Epoch: n64(10), Step: n64(2), Format: "ckpt"},
		"dir/rank_5/x_rank_2-1_1.ckpt":            {Kind: KindTraining, Prefix: "x", Rank: 2, Epoch: n64(1), Step: n64(1), Format: "ckpt"},
		"llama_rank_0-1_20_breakpoint.ckpt":       {Kind: KindTraining, Prefix: "llama", Epoch: n64(1), Step: n64(20), Breakpoint: true, Format: "ckpt"},
		"lenet-1_1875.ckpt":                       {Kind: KindTraining, Prefix: "lenet", Rank: -1, Epoch: n64(1), Step: n64(1875), Format: "ckpt"},
		"llama_rank_0-network.ckpt":               {Kind: KindNetwork, Prefix: "llama", Format: "ckpt"},
		"llama_rank_1-network-2_30.safetensors":   {Kind: KindNetwork, Prefix: "llama", Rank: 1, Epoch: n64(2), Step: n64(30), Format: "safetensors"},
		"llama_rank_0-trainable_params.ckpt":      {Kind: KindTrainable, Prefix: "llama", Format: "ckpt"},
		"llama_rank_0-trainable_params-1_20.ckpt": {Kind: KindTrainable, Prefix: "llama", Epoch: n64(1), Step: n64(20), Format: "ckpt"},
		"open_llama_7b_v2.ckpt":                   {Kind: KindWeights, Prefix: "open_llama_7b_v2", Rank: -1, Format: "ckpt"},
		"model-00001-of-00002.safetensors":        {Kind: KindWeights, Prefix: "model-00001-of-00002", Rank: -1, Format: "safetensors"},
		"model-0000000-0000008.safetensors":       {Kind: KindShard, Prefix: "model-0000000-0000008", Rank: -1, Format: "safetensors"},
		"mine-opt-0000007-0000008.safetensors":    {Kind: KindShard, Prefix: "mine-opt-0000007-0000008", Rank: -1, Format: "safetensors"},
		"rank_3-1_2.ckpt":                         {Kind: KindTraining, Rank: 3, Epoch: n64(1), Step: n64(2), Format: "ckpt"},
		"llama_rank_0-1_20.tmp":                   {Kind: KindTemporary, Prefix: "llama", Epoch: n64(1), Step: n64(20)},
		".tmpoEMK45":                              {Kind: KindTemporary, Prefix: ".tmpoEMK45", Rank: -1},
		"tmp6n69lvz1":                             {Kind: KindOther, Prefix: "tmp6n69lvz1", Rank: -1},
		"meta.json":                               {Kind: KindOther, Prefix: "meta.json", Rank: -1},
		"llama_rank_0-graph.meta":                 {Kind: KindGraph, Prefix: "llama_rank_0-graph.meta", Rank: -1},
		"ckpt_strategy_rank_4.ckpt":               {Kind: KindStrategy, Prefix: "ckpt_strategy", Rank: 4, Format: "ckpt"},
		"strategy_model-1_2.ckpt":                 {Kind: KindTraining, Prefix: "strategy_model", Rank: -1, Epoch: n64(1), Step: n64(2), Format: "ckpt"},
		"x_rank_0-99999999999999999999_1.ckpt":    {Kind: KindWeights, Prefix: "x_rank_0-99999999999999999999_1", Rank: -1, Format: "ckpt"},
		"x_rank_99999999999-1_1.ckpt":             {Kind: KindTraining, Prefix: "x_rank_99999999999", Rank: -1, Epoch: n64(1), Step: n64(1), Format: "ckpt"},
		"":                                        {Kind: KindOther, Prefix: ".", Rank: -1},
		".ckpt":                                   {Kind: KindWeights, Rank: -1, Format: "ckpt"},
	}
	for name, want := range tests {
		require.Equal(t, want, ParseName(name), name)
	}
}

func TestRankOf(t *testing.T) {
	for path, want := range map[string]int{
		"out/checkpoint/rank_3/llama_rank_3-1_2.ckpt": 3,
		"out/checkpoint/rank_3/weights.ckpt":          3,
		"out/rank_x/weights.ckpt":                     0,
		"weights.ckpt":                                0,
		"/weights.ckpt":                               0,
		"out/rank_2/iteration_00000020":               2,
	} {
		require.Equal(t, want, RankOf(path), path)
	}
}
