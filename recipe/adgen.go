package recipe

import "context"

// adgenKind tokenises ADGen data into MindRecord, the same rows as mindformers'
// adgen_dataset.py writes for ChatGLM-6B, or makes while it trains ChatGLM2-6B.
func adgenKind() Kind {
	family := familyParams(familyChatGLM, "glm", "glm2")[0]
	return adgen{originalKind{script: preprocessor("glm/adgen_dataset.py"), parts: []string{preprocessors, "models"}, pythonKind: pythonKind{
		module:   "ftd_steps.adgen",
		function: "write",
		summary:  "tokenise ADGen data and write it as MindRecord",
		params: append([]Param{
			{Name: "data", Type: File, Required: true, Doc: `one JSON object a line, with "content" and "summary"`},
			{Name: "tokenizer", Type: File, Required: true, Doc: "the SentencePiece model of the ChatGLM"},
			{Name: "source_length", Type: Integer, Least: new(int64(1)), Required: true, Doc: "how many tokens of a question are kept"},
			{Name: "target_length", Type: Integer, Least: new(int64(1)), Required: true, Doc: "how many tokens of an answer are kept"},
			family,
		}, originalParams("adgen_dataset.py")...),
		takes:   adgenRows,
		outputs: []string{"file", "rows", "seq_length", "made_by"},
		files:   []string{"file"},
	}}}
}

type adgen struct{ originalKind }

// Plan implements [Kind].
func (k adgen) Plan(ctx context.Context, s *StepContext) (Plan, error) {
	return k.originalKind.Plan(ctx, ofFamily(s))
}

// Key implements [Kind].
func (k adgen) Key(ctx context.Context, s *StepContext) (string, error) {
	return k.originalKind.Key(ctx, ofFamily(s))
}

// Run implements [Kind].
func (k adgen) Run(ctx context.Context, s *StepContext) (map[string]string, error) {
	return k.originalKind.Run(ctx, ofFamily(s))
}

// What ADGen takes, a row: 114,599 of them in 53.8 MB.
const bytesAnAdvertisement = 470

// adgenRows are, of each row, for each token it and its label, and of a ChatGLM-6B
// two positions, and a byte for each other token that says whether it sees it:
// MindRecord writes numbers in as few bytes as the largest needs.
func adgenRows(s *StepContext) (disk, memory int64) {
	source, _ := s.With["source_length"].(int64)
	target, _ := s.With["target_length"].(int64)
	length := source + target
	row := length * (length + 12)
	if ofFamily(s).text("family") == "glm2" {
		row = (length + 1) * 8
	}
	return s.size("data") / bytesAnAdvertisement * row, convertMemory
}
