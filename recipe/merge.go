package recipe

import "context"

// mergeKind makes one file of weights that lie in many.
func mergeKind() Kind {
	return merge{pythonKind{
		module:   "ftd_steps.merge",
		function: "merge",
		summary:  "merge weights in many files into one, without loading the model",
		params: []Param{
			{Name: "weights", Type: Dir, Required: true, Doc: "a directory with safetensors or `.bin`, in shards or not, with or without an index; or one such file"},
			{Name: "dtype", Type: Text, Default: "float16", OneOf: dtypes, Doc: "type of the numbers; empty keeps them"},
		},
		outputs: []string{"dir", "file", "files_in", "tensors_in", "tensors", "bytes", "dtype"},
		files:   []string{"dir", "file"},
		verify:  completeCheckpoint,
	}}
}

type merge struct{ pythonKind }

func (k merge) Plan(ctx context.Context, s *StepContext) (Plan, error) {
	plan, err := k.pythonKind.Plan(ctx, s)
	plan.Disk, _ = takes(s, "weights")
	return plan, err // a piece of a tensor is next to no memory
}
