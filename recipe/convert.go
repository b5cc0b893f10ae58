package recipe

import (
	"context"
	"fmt"
	"strconv"

	"ftd/checkpoint"
)

// families are the models whose weights are known, as ftd_steps/families.py
// knows them.
var families = []string{"llama", "glm", "glm2"}

// dtypes are what floating-point numbers can be converted to; empty keeps them.
var dtypes = []string{"", "float32", "float16", "bfloat16"}

// convertKind converts Hugging Face weights to a MindSpore checkpoint: piece by
// piece without torch, or by the converter of mindformers as it is.
func convertKind() Kind {
	return convert{originalKind{script: converter, parts: []string{"models"}, pythonKind: pythonKind{
		module:   "ftd_steps.convert",
		function: "convert",
		summary:  "convert Hugging Face weights to a MindSpore checkpoint",
		params: []Param{
			{Name: "weights", Type: Dir, Required: true, Doc: "a directory with config.json and safetensors or `.bin`, in one file or in shards; or one such file"},
			{Name: "family", Type: Text, Default: "", OneOf: append([]string{""}, families...), Doc: "llama, glm (ChatGLM-6B) or glm2; empty: as config.json says"},
			{Name: "dtype", Type: Text, Default: "", OneOf: dtypes, Doc: "type of the numbers; empty keeps them"},
			{Name: "by", Type: Text, Default: "", OneOf: []string{"", byFTD, byMindformers}, Doc: "ftd streams and needs no torch; mindformers is its own converter as it is; empty is ftd, or mindformers with a checkout where torch is installed"},
			{Name: checkoutParam, Type: Dir, Doc: "a checkout whose converter is used, in a process of its own; empty: the wheel"},
			{Name: "config", Type: File, Doc: "the mindformers YAML that is to read a glm2"},
		},
		outputs: []string{"file", "converter", "tensors_in", "tensors_out", "left_out", "unmapped", "unmapped_names", "bytes", "dtype", "made_by"},
		files:   []string{"file"},
		verify: func(ctx context.Context, s *StepContext, outputs map[string]string) error {
			outputs = map[string]string{"file": outputs["file"], "tensors": outputs["tensors_out"]}
			return completeCheckpoint(ctx, s, outputs)
		},
	}}}
}

type convert struct{ originalKind }

func (k convert) Plan(ctx context.Context, s *StepContext) (Plan, error) {
	plan, err := k.pythonKind.Plan(ctx, s)
	if err != nil {
		return plan, err
	}
	_, who, err := k.maker(s)
	plan.Summary += who
	plan.Disk, plan.Memory = takes(s, "weights")
	if k.original(s) && plan.Disk > 0 {
		// Measured: mindformers holds 3.6 times the file.
		plan.Memory += plan.Disk * 18 / 5
	}
	return plan, err
}

// maker knows, other than of scripts that make data, that an installed
// mindformers has converters, too.
func (k convert) maker(s *StepContext) (original bool, who string, err error) {
	if s.text("by") == byMindformers && s.text(checkoutParam) == "" {
		return true, ", by mindformers' own converter", nil
	}
	return k.originalKind.maker(s)
}

func (k convert) impossible(s *StepContext) error {
	_, _, err := k.maker(s)
	return err
}

// original says whether mindformers' own converter does the work.
func (k convert) original(s *StepContext) bool {
	original, _, err := k.maker(s)
	return original && err == nil
}

// converter is the script of mindformers for a family; "" if the weights tell
// the family.
func converter(s *StepContext) string {
	if s.text("family") == "" {
		return ""
	}
	return "models/" + s.text("family") + "/convert_weight.py"
}

// convertMemory is for MindSpore and mindformers, imported, and a piece of a tensor.
const convertMemory = 1 << 30

// takes returns the bytes of disk that converted weights need at most, and of
// memory when they are streamed; 0 while nothing is known of the weights.
func takes(s *StepContext, param string) (disk, memory int64) {
	disk = s.size(param, ".safetensors", ".bin", ".pth", ".pt")
	if disk == 0 {
		return 0, 0
	}
	if s.text("dtype") == "float32" {
		disk *= 2 // they may be halves
	}
	return disk, convertMemory
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
