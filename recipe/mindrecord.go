package recipe

// mindrecordKind tokenises conversations into MindRecord, the same rows as
// mindformers' llama_preprocess.py writes.
func mindrecordKind() Kind {
	return pythonKind{
		module:   "ftd_steps.mindrecord",
		function: "write",
		summary:  "tokenise the conversations and write them as MindRecord",
		params: []Param{
			{Name: "conversations", Type: File, Required: true, Doc: "what the step conversations made"},
			{Name: "tokenizer", Type: File, Required: true, Doc: "a SentencePiece model"},
			{Name: "seq_length", Type: Integer, Required: true, Doc: "the model's seq_length, in tokens"},
			{Name: "too_long", Type: Text, Default: "cut", OneOf: []string{"cut", "skip", "error"}, Doc: "what becomes of longer rows"},
		},
		outputs: []string{"file", "rows", "longest", "cut", "skipped"},
		files:   []string{"file"},
	}
}
