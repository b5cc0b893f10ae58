package checkpoint_test

import (
	"context"
	"fmt"
	"path/filepath"

	"ftd/checkpoint"
)

func ExampleVerify() {
	dir := "../testdata/checkpoints"
	for _, file := range []string{
		"mf06-ms200-complete/llama_7b_lora_rank_0-1_100.ckpt",
		"damaged/truncated_tiny_llama_rank_0-1_60.safetensors",
	} {
		v, err := checkpoint.Verify(context.Background(), filepath.Join(dir, file), checkpoint.Options{})
		if err != nil {
			fmt.Println(err) // there is no such file, or it may not be read
			return
		}
		fmt.Printf("%t %s %d %d_%d %q\n", v.Complete, v.Format, v.Tensors, *v.Epoch, *v.Step, v.Reason)
	}
	// Output:
	// true ckpt 76 1_100 ""
	// false safetensors 41 1_60 "cut off: 253802 of 564004 bytes are missing, from \"adam_v.model.layers.1.feed_forward.w3.weight\" on, tensor 42 of 69"
}

func ExampleInspect() {
	path := "../testdata/checkpoints/types/ms270-nonfinite.ckpt"
	_, err := checkpoint.Inspect(context.Background(), path, checkpoint.Options{Deep: true}, func(t *checkpoint.Tensor) error {
		if t.Values != nil && t.Values.NaN > 0 {
			fmt.Println(t.Name, t.Type, t.Shape, t.Values.NaN, "NaN")
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// f32 Float32 [4] 1 NaN
	// f16 Float16 [5] 1 NaN
	// f64 Float64 [2] 1 NaN
	// bf16 BFloat16 [3] 1 NaN
	// <nil>
}

func ExampleResumePoint() {
	set, err := checkpoint.ResumePoint(context.Background(), "../testdata/checkpoints/mf06-ms200-complete", 1)
	fmt.Println(set.Name, *set.Step, err)
	// Output: llama_7b_lora-1_100.ckpt 100 <nil>
}

func ExampleRetention_Plan() {
	r := checkpoint.Retention{Newest: 1, Every: 100}
	for _, d := range r.Plan([]checkpoint.Candidate{
		{Step: 100, Verified: true, Ours: true},
		{Step: 150, Verified: true, Ours: true},
		{Step: 200, Verified: true, Ours: true},
		{Step: 250, Ours: true},
	}) {
		fmt.Println(d.Step, d.Keep, d.Why)
	}
	// Output:
	// 250 true no newer one is verified
	// 200 true the newest that is verified
	// 150 false no rule keeps it
	// 100 true every 100 steps
}
