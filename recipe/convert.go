package recipe

import (
	"context"
	"fmt"
	"strconv"

	"ftd/checkpoint"
)

// convertKind converts Hugging Face LLaMA weights to a MindSpore checkpoint.
func convertKind() Kind {
	return pythonKind{
		module:   "ftd_steps.convert",
		function: "convert",
		summary:  "convert Hugging Face weights to a MindSpore checkpoint",
		params: []Param{
			{Name: "weights", Type: Dir, Required: true, Doc: "a directory with config.json and safetensors"},
			{Name: "dtype", Type: Text, Default: "", OneOf: []string{"", "float32", "float16"}, Doc: "type of the numbers; empty keeps them"},
		},
		outputs: []string{"file", "converter", "tensors_in", "tensors_out", "left_out", "unmapped", "bytes", "dtype"},
		files:   []string{"file"},
		verify: func(ctx context.Context, s *StepContext, outputs map[string]string) error {
			outputs = map[string]string{"file": outputs["file"], "tensors": outputs["tensors_out"]}
			return completeCheckpoint(ctx, s, outputs)
		},
	}
}

// completeCheckpoint looks at the bytes of the output "file": it must be a
// complete checkpoint with as many tensors as the output "tensors" says.
func completeCheckpoint(ctx context.Context, _ *StepContext, outputs map[string]string) error {
	verdict, err := checkpoint.Verify(ctx, outputs["file"], checkpoint.Options{})
	if err != nil {
		return err
	}
	if verdict.Complete && strconv.Itoa(verdict.Tensors) != outputs["tensors"] {
		verdict.Complete = false
		verdict.Reason = fmt.Sprintf("holds %d tensors instead of %s", verdict.Tensors, outputs["tensors"])
	}
	if !verdict.Complete {
		return &Problem{
			Code:    CodeCheckpointBroken,
			Message: fmt.Sprintf("%s %s", verdict.Path, verdict.Reason),
			Remedy:  "run the recipe again",
		}
	}
	return nil
}
