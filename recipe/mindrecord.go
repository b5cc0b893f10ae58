package recipe

// mindrecordKind tokenises conversations into MindRecord, the same rows as
// mindformers' llama_preprocess.py writes.
func mindrecordKind() Kind {
	return originalKind{script: preprocessor("llama/llama_preprocess.py"), parts: []string{preprocessors, "models"}, pythonKind: pythonKind{
		module:   "ftd_steps.mindrecord",
		function: "write",
		summary:  "tokenise the conversations and write them as MindRecord",
		params: append([]Param{
			{Name: "conversations", Type: File, Required: true, Doc: "what the step conversations made"},
			{Name: "tokenizer", Type: File, Required: true, Doc: "a SentencePiece model"},
			{Name: "seq_length", Type: Integer, Least: new(int64(1)), Required: true, Doc: "the model's seq_length, in tokens"},
			{Name: "too_long", Type: Text, Default: "cut", OneOf: []string{"cut", "skip", "error"}, Doc: "what becomes of longer rows; of mindformers, 0.x refuses and 1.6 cuts them"},
		}, originalParams("llama_preprocess.py")...),
		takes:   mindrecordRows,
		outputs: []string{"file", "rows", "longest", "cut", "skipped", "made_by"},
		files:   []string{"file"},
	}}
}

// What conversations take, a row: measured with the rows of alpaca.
const bytesARow = 1600

// mindrecordRows are two numbers of four bytes for each token of each row.
func mindrecordRows(s *StepContext) (disk, memory int64) {
	length, _ := s.With["seq_length"].(int64)
	disk = s.size("conversations") / bytesARow * (length + 1) * 8
	return disk, convertMemory
}
