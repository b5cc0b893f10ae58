package recipe

// conversationsKind turns alpaca rows into dialogues.
func conversationsKind() Kind {
	return originalKind{script: preprocessor("llama/alpaca_converter.py"), parts: []string{preprocessors}, pythonKind: pythonKind{
		module:   "ftd_steps.conversations",
		function: "make",
		summary:  "turn alpaca rows into conversations",
		params: append([]Param{
			{Name: "data", Type: File, Required: true, Doc: `a JSON list of {"instruction", "input", "output"}`},
		}, originalParams("alpaca_converter.py")...),
		takes:   func(s *StepContext) (disk, memory int64) { return 2 * s.size("data"), 4 * s.size("data") },
		outputs: []string{"file", "rows", "made_by"},
		files:   []string{"file"},
	}}
}
