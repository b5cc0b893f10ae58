package recipe

// tokenizerKind trains a small SentencePiece tokenizer.
func tokenizerKind() Kind {
	return pythonKind{
		module:   "ftd_steps.tokenizer",
		function: "train",
		summary:  "train a SentencePiece tokenizer on the conversations",
		params: []Param{
			{Name: "conversations", Type: File, Required: true, Doc: "what the step conversations made"},
			{Name: "vocab_size", Type: Integer, Required: true, Doc: "the number of pieces, 256 bytes among them"},
		},
		outputs: []string{"file", "vocab_size"},
		files:   []string{"file"},
	}
}
