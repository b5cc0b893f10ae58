package recipe

// weightsKind makes random base weights of a tiny model.
func weightsKind() Kind {
	return familyKind{pythonKind{
		module:   "ftd_steps.weights",
		function: "make",
		summary:  "make random weights of a tiny model, laid out as Hugging Face does",
		params: append([]Param{
			{Name: "vocab_size", Type: Integer, Least: new(int64(1)), Required: true, Doc: "rows of the embedding"},
			{Name: "hidden_size", Type: Integer, Least: new(int64(1)), Required: true, Doc: "width of the model"},
			{Name: "intermediate_size", Type: Integer, Least: new(int64(1)), Required: true, Doc: "width of the feed-forward part"},
			{Name: "layers", Type: Integer, Least: new(int64(1)), Required: true, Doc: "number of layers"},
			{Name: "heads", Type: Integer, Least: new(int64(1)), Required: true, Doc: "number of attention heads"},
			{Name: "max_positions", Type: Integer, Least: new(int64(1)), Required: true, Doc: "longest text, in tokens"},
			{Name: "seed", Type: Integer, Default: int64(0), Doc: "the same seed gives the same weights"},
		}, familyParams("llama", families...)...),
		outputs: []string{"dir", "file", "tensors", "parameters"},
		files:   []string{"dir", "file"},
		takes:   randomWeights,
		verify:  completeCheckpoint,
	}}
}

// randomWeights are four bytes for each parameter: embedding and head, and the
// attention and the feed-forward part of each layer.
func randomWeights(s *StepContext) (disk, memory int64) {
	n := map[string]int64{}
	for _, name := range []string{"vocab_size", "hidden_size", "intermediate_size", "layers"} {
		n[name], _ = s.With[name].(int64)
	}
	layer := 4*n["hidden_size"]*n["hidden_size"] + 3*n["hidden_size"]*n["intermediate_size"]
	disk = 4 * (2*n["vocab_size"]*n["hidden_size"] + n["layers"]*layer)
	return disk, disk
}
