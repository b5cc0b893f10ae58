package recipe

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const prefixScript = `
import sys
open("prefix.txt", "w").write(sys.prefix)
`

// The daemon's environment has no MindSpore; the one that the steps name has.
func TestStepsWorkInAnotherEnvironment(t *testing.T) {
	mindspore(t)
	other := os.Getenv("FTD_TEST_ENV")
	h := newHost(t)
	s := h.settings()
	plain, err := exec.LookPath("python3")
	require.NoError(t, err)
	h.python, s.Python, s.Env = plain, plain, filepath.Join(h.dir, "plain")
	require.NoError(t, os.WriteFile(filepath.Join(h.dir, "where.py"), []byte(prefixScript), 0o644))
	r := parsed(t, `
vars: {other: "`+other+`"}
steps:
  - {id: data, uses: data, with: {source: builtin:data/alpaca-tiny.json}}
  - {id: conversations, uses: conversations, environment: "${other}", with: {data: "${steps.data.outputs.file}"}}
  - {id: tokenizer, uses: tokenizer, environment: "${other}", with: {conversations: "${steps.conversations.outputs.file}", vocab_size: 600}}
  - {id: mindrecord, uses: mindrecord, environment: "${other}", with: {conversations: "${steps.conversations.outputs.file}", tokenizer: "${steps.tokenizer.outputs.file}", seq_length: 64}}
  - {id: weights, uses: weights, environment: "${other}", with: {vocab_size: 600, hidden_size: 32, intermediate_size: 64, layers: 1, heads: 2, max_positions: 64}}
  - {id: convert, uses: convert, environment: "${other}", with: {weights: "${steps.weights.outputs.dir}", family: llama, by: ftd}}
  - {id: script, uses: script, environment: "${other}", with: {file: "${job.dir}/where.py", creates: [prefix.txt]}}
  - {id: train, uses: train, environment: "${other}", with: {command: [python, "${job.dir}/where.py"]}}
`)
	require.NoError(t, Run(t.Context(), job(h, r, nil), h, s))
	for _, step := range r.Steps {
		require.Equal(t, StepSucceeded, h.steps[step.ID].State, step.ID)
	}
	require.NotEqual(t, "0", h.steps["mindrecord"].Outputs["rows"])
	require.FileExists(t, h.steps["convert"].Outputs["file"])
	for _, step := range []string{"script", "train"} {
		require.Equal(t, other, read(t, filepath.Join(h.steps[step].Outputs["dir"], "prefix.txt")), step)
	}

	// Results of one environment are not those of another.
	key := h.steps["mindrecord"].Key
	h.steps = map[string]StepStatus{}
	plans, err := Preview(t.Context(), job(h, r, map[string]string{"other": ""}), h, s)
	require.NoError(t, err)
	require.False(t, plans[3].Cached, key)
}
