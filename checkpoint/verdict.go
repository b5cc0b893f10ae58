package checkpoint

import "time"

// The formats of a checkpoint.
const (
	FormatCkpt        = "ckpt"
	FormatSafetensors = "safetensors"
)

// Verdict says whether one file is a complete checkpoint, and what it holds.
type Verdict struct {
	Path     string `json:"path"`
	Complete bool   `json:"complete"`
	// Reason is why it is not complete, in one sentence; empty otherwise.
	Reason string `json:"reason,omitempty"`
	// Format is "ckpt", "safetensors" or "" where it is neither.
	Format string `json:"format"`
	// Tensors counts what was read before Reason, if there is one.
	Tensors int `json:"tensors"`
	// Bytes is the size of the file, or of all files of an iteration directory.
	Bytes int64 `json:"bytes"`
	// Epoch, Step and GlobalStep come from the tensors epoch_num, step_num and
	// global_step, else from the file's name; nil where neither says. A name
	// counts from where the training was resumed, the tensors from its start.
	Epoch      *int64 `json:"epoch"`
	Step       *int64 `json:"step"`
	GlobalStep *int64 `json:"global_step,omitempty"`
	// Modified is the file's time of last change.
	Modified time.Time `json:"modified,omitzero"`
	// Deep is what reading every byte found; nil unless [Options.Deep].
	Deep *Deep `json:"deep,omitempty"`
}

// Deep is what reading every byte of a checkpoint found.
type Deep struct {
	// CRC is "ok", "mismatch" or "none" where the file was written without one.
	CRC string `json:"crc"`
	// NaN and Inf count values over all floating-point tensors.
	NaN int64 `json:"nan"`
	Inf int64 `json:"inf"`
	// NonFinite names the first tensors that hold NaN or Inf, at most ten.
	NonFinite []string `json:"non_finite,omitempty"`
}

// The values of [Deep.CRC].
const (
	CRCOK       = "ok"
	CRCMismatch = "mismatch"
	CRCNone     = "none"
)
