//go:build python

package pybridge_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/pybridge"
)

// BenchmarkConvert converts the weights of a LLaMA of 80 MB with the step of
// the recipes: in the interpreter that is warm, and in a python that is
// started for it, which imports MindSpore and mindformers first.
func BenchmarkConvert(b *testing.B) {
	steps, err := filepath.Abs("../recipe/py")
	require.NoError(b, err)
	dir := b.TempDir()
	around := pybridge.Surroundings{Path: []string{steps}, Dir: dir}
	call := func(module, function string, args map[string]any) {
		text, err := json.Marshal(args)
		require.NoError(b, err)
		_, err = python.Call(context.Background(), pybridge.Request{
			Module: module, Function: function, Args: text, Surroundings: around,
		})
		require.NoError(b, err)
	}
	call("ftd_steps.weights", "make", map[string]any{
		"output_dir": dir, "vocab_size": 8000, "hidden_size": 512, "intermediate_size": 1024,
		"layers": 4, "heads": 8, "max_positions": 64, "seed": 1,
	})
	convert := map[string]any{"weights": filepath.Join(dir, "hf"), "output_dir": dir, "dtype": "float16"}
	b.Run("warm", func(b *testing.B) {
		call("ftd_steps.convert", "convert", convert)
		for b.Loop() {
			call("ftd_steps.convert", "convert", convert)
		}
	})
	b.Run("fresh", func(b *testing.B) {
		bridge, err := filepath.Abs("py")
		require.NoError(b, err)
		text, err := json.Marshal(convert)
		require.NoError(b, err)
		for b.Loop() {
			cmd := exec.CommandContext(b.Context(), os.Getenv("FTD_TEST_PYTHON"), "-c",
				"import json, sys; from ftd_steps.convert import convert; convert(**json.loads(sys.argv[1]))", string(text))
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PYTHONPATH="+strings.Join([]string{bridge, steps}, string(filepath.ListSeparator)))
			out, err := cmd.CombinedOutput()
			require.NoError(b, err, "%s", out)
		}
	})
}
