package recipe

// conversationsKind turns alpaca rows into dialogues.
func conversationsKind() Kind {
	return pythonKind{
		module:   "ftd_steps.conversations",
		function: "make",
		summary:  "turn alpaca rows into conversations",
		params: []Param{
			{Name: "data", Type: File, Required: true, Doc: `a JSON list of {"instruction", "input", "output"}`},
		},
		outputs: []string{"file", "rows"},
		files:   []string{"file"},
	}
}
