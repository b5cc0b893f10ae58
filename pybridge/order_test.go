//go:build python

package pybridge_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/pybridge"
)

// importsTorch is a step that asks for torch only; what was imported by then is
// told by the stand-ins, in the order in which they ran.
const importsTorch = `
import importlib.util, sys
def f(folder):
    sys.path.insert(0, folder)
    importlib.util.find_spec("torch")
    looked = "mindspore" in sys.modules
    import torch
    import stand_in
    return [looked, stand_in.ORDER, type(torch.__spec__.loader).__name__]
`

// standIns writes a torch and a mindspore that note when they run.
func standIns(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, source := range map[string]string{
		"stand_in":  "ORDER = []\n",
		"torch":     "import stand_in\nstand_in.ORDER.append('torch')\n",
		"mindspore": "import stand_in\nstand_in.ORDER.append('mindspore')\ndef set_context(device_target): stand_in.ORDER.append(device_target)\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name+".py"), []byte(source), 0o600))
	}
	return dir
}

func TestMindSporeIsImportedBeforeTorch(t *testing.T) {
	// In an interpreter of its own: this one may have the real MindSpore.
	t.Run("here", func(t *testing.T) {
		folder := standIns(t)
		out, err := inRole(t, "torch", folder).CombinedOutput()
		require.NoError(t, err, "%s", out)
		text, err := os.ReadFile(filepath.Join(folder, "result"))
		require.NoError(t, err)
		require.JSONEq(t, `[false, ["mindspore", "CPU", "torch"], "SourceFileLoader"]`, string(text))
	})
	t.Run("worker", func(t *testing.T) {
		needWorkers(t)
		r := module(t, importsTorch)
		r.Args, _ = json.Marshal([]string{standIns(t)})
		text, err := python.Worker(t.Context(), r)
		require.NoError(t, err)
		require.JSONEq(t, `[false, ["mindspore", "CPU", "torch"], "SourceFileLoader"]`, string(text))
	})
	t.Run("worker that needs a card", func(t *testing.T) {
		needWorkers(t)
		r := module(t, importsTorch)
		r.Args, _ = json.Marshal([]string{standIns(t)})
		r.Device = true
		text, err := python.Worker(t.Context(), r)
		require.NoError(t, err)
		require.JSONEq(t, `[false, ["mindspore", "torch"], "SourceFileLoader"]`, string(text))
	})
	t.Run("torch alone", func(t *testing.T) {
		needWorkers(t)
		r := module(t, importsTorch)
		folder := standIns(t)
		require.NoError(t, os.WriteFile(filepath.Join(folder, "mindspore.py"), []byte("raise ImportError('broken')\n"), 0o600))
		r.Args, _ = json.Marshal([]string{folder})
		text, err := python.Worker(t.Context(), r)
		require.NoError(t, err)
		require.JSONEq(t, `[false, ["torch"], "SourceFileLoader"]`, string(text))
	})
}

// playTorch writes what the step returns beside the stand-ins.
func playTorch(in *pybridge.Interpreter, r pybridge.Request, folder string) error {
	text, err := in.Call(context.Background(), r)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "result"), text, 0o600)
}
