package recipe

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// weightsReport is what ftd_train/callbacks.py writes before the first step.
type weightsReport struct {
	Checkpoint string   `json:"checkpoint"`
	Tensors    int      `json:"tensors"`
	Loaded     int      `json:"loaded"`
	Missing    []string `json:"missing"`
	Mismatched []string `json:"mismatched"`
	// Random are parameters of the network that the checkpoint does not hold
	// and that the training does not add either.
	Random []string `json:"random"`
}

// readWeights reads the report of a training that ran in dir.
func readWeights(dir string) (weightsReport, error) {
	var report weightsReport
	text, err := os.ReadFile(filepath.Join(dir, "weights.json"))
	if err != nil {
		return report, err
	}
	return report, json.Unmarshal(text, &report)
}

// checkWeights says whether the training in dir began from the checkpoint
// base. No report is no proof.
func checkWeights(dir, base string) error {
	report, err := readWeights(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &Problem{
			Code:    CodeWeights,
			Message: fmt.Sprintf("nothing proves that the training began from %s", base),
			Remedy:  "add the callback WeightsMonitor to the config, or leave base: out",
		}
	case err != nil:
		return fmt.Errorf("the report about the weights cannot be read: %w", err)
	case report.Checkpoint != base:
		return &Problem{
			permanent: true,

			Code:    CodeWeights,
			Message: fmt.Sprintf("the training began from %s instead of %s", report.Checkpoint, base),
			Remedy:  "set load_checkpoint, and the checkpoint of WeightsMonitor, to the same file",
		}
	case len(report.Missing)+len(report.Mismatched)+len(report.Random) > 0 || report.Loaded == 0:
		message := fmt.Sprintf("the training would not have begun from %s: %d of its %d tensors reached the network",
			base, report.Loaded, report.Tensors)
		for _, wrong := range []struct {
			names []string
			what  string
		}{
			{report.Missing, "has no place there"},
			{report.Mismatched, "has other values there"},
			{report.Random, "is not in the checkpoint and would begin at random"},
		} {
			if len(wrong.names) > 0 {
				message += fmt.Sprintf("; %s %s", wrong.names[0], wrong.what)
			}
		}
		return &Problem{
			permanent: true,

			Code:    CodeWeights,
			Message: message,
			Remedy:  "compare the model in the config (layers, sizes, vocab_size) with the weights",
		}
	}
	return nil
}
