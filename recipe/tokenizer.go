package recipe

// tokenizerKind trains a small SentencePiece tokenizer.
func tokenizerKind() Kind {
	return familyKind{pythonKind{
		module:   "ftd_steps.tokenizer",
		function: "train",
		summary:  "train a SentencePiece tokenizer on the data",
		params: append([]Param{
			{Name: "conversations", Type: File, Doc: "what the step conversations made"},
			{Name: "adgen", Type: File, Doc: "instead of conversations: ADGen data"},
			{Name: "vocab_size", Type: Integer, Least: new(int64(1)), Required: true, Doc: "the number of pieces, 256 bytes among them"},
		}, familyParams("llama", families...)...),
		outputs: []string{"file", "vocab_size"},
		files:   []string{"file"},
	}}
}
