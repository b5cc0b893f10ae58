package recipe

// weightsKind makes random base weights of a tiny LLaMA.
func weightsKind() Kind {
	return pythonKind{
		module:   "ftd_steps.weights",
		function: "make",
		summary:  "make random weights of a tiny LLaMA, laid out as Hugging Face does",
		params: []Param{
			{Name: "vocab_size", Type: Integer, Required: true, Doc: "rows of the embedding"},
			{Name: "hidden_size", Type: Integer, Required: true, Doc: "width of the model"},
			{Name: "intermediate_size", Type: Integer, Required: true, Doc: "width of the feed-forward part"},
			{Name: "layers", Type: Integer, Required: true, Doc: "number of layers"},
			{Name: "heads", Type: Integer, Required: true, Doc: "number of attention heads"},
			{Name: "max_positions", Type: Integer, Required: true, Doc: "longest text, in tokens"},
			{Name: "seed", Type: Integer, Default: int64(0), Doc: "the same seed gives the same weights"},
		},
		outputs: []string{"dir", "file", "tensors", "parameters"},
		files:   []string{"dir", "file"},
		verify:  completeCheckpoint,
	}
}
