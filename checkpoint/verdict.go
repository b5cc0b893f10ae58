package checkpoint

// Verdict says whether one file is a complete checkpoint, and what it holds.
type Verdict struct {
	Path     string `json:"path"`
	Complete bool   `json:"complete"`
	// Reason is why it is not complete, in one sentence; empty otherwise.
	Reason string `json:"reason,omitempty"`
	// Format is "ckpt", "safetensors" or "" where it is neither.
	Format  string `json:"format"`
	Tensors int    `json:"tensors"`
	Bytes   int64  `json:"bytes"`
	// Epoch, Step and GlobalStep come from the tensors of those names, else
	// from the file's name; nil where neither says.
	Epoch      *int64 `json:"epoch"`
	Step       *int64 `json:"step"`
	GlobalStep *int64 `json:"global_step,omitempty"`
}
