package recipe

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/checkpoint"
	"ftd/launcher"
	"ftd/logparse"
	"ftd/recipe/yamledit"
)

// mindspore skips a test where there is no environment with MindSpore, or
// fails it where everything must be there.
func mindspore(t *testing.T) {
	t.Helper()
	switch {
	case os.Getenv("FTD_TEST_ENV") != "":
	case os.Getenv("FTD_TEST_COMPLETE") != "":
		t.Fatal("this test needs FTD_TEST_ENV, an environment with MindSpore and mindformers")
	default:
		t.Skip("needs FTD_TEST_ENV, an environment with MindSpore and mindformers")
	}
}

// The whole recipe on real MindSpore, each Python step in a process.
func TestTinyLlamaOnMindSpore(t *testing.T) {
	mindspore(t)
	t.Parallel()
	h := newHost(t)
	r, err := Load("tiny-llama")
	require.NoError(t, err)
	h.run(job(h, r, nil))

	// The conversion says what it called, and accounts for every tensor.
	convert := h.steps["convert"].Outputs
	require.Equal(t, "mindformers.models.llama.convert_weight.name_replace", convert["converter"])
	require.Equal(t, "21", convert["tensors_in"])
	require.Equal(t, "21", convert["tensors_out"])
	require.Equal(t, "0", convert["unmapped"])
	v, err := checkpoint.Verify(context.Background(), convert["file"], checkpoint.Options{Deep: true})
	require.NoError(t, err)
	require.True(t, v.Complete)
	require.Equal(t, 21, v.Tensors)

	// The training began from those weights.
	text, err := os.ReadFile(filepath.Join(h.attempt("train").Dir, "weights.json"))
	require.NoError(t, err)
	var report weightsReport
	require.NoError(t, json.Unmarshal(text, &report))
	require.Equal(t, weightsReport{
		Checkpoint: convert["file"], Tensors: 21, Loaded: 21, Missing: []string{}, Mismatched: []string{}, Random: []string{},
	}, report)

	// It learnt something, without an overflow, and saved it.
	losses := h.losses()
	require.Greater(t, len(losses), 100)
	require.Less(t, mean(losses[len(losses)-20:]), mean(losses[:20])-0.5)
	trained := h.steps["train"].Outputs["checkpoint"]
	v, err = checkpoint.Verify(context.Background(), trained, checkpoint.Options{Deep: true})
	require.NoError(t, err)
	require.True(t, v.Complete)
	require.EqualValues(t, len(losses), *v.GlobalStep)
	require.Zero(t, v.Deep.NaN+v.Deep.Inf)
	require.NotEmpty(t, h.verdicts)

	// Nothing but what belongs there was written, and not into the home.
	entries, err := os.ReadDir(h.attempt("train").Dir)
	require.NoError(t, err)
	for _, e := range entries {
		require.Contains(t, []string{
			"spec.json", "before.json", "shim.json", "exit.json", "shim.log", "rank_0.log", "output", "modules", "weights.json", "stacks",
		}, e.Name())
	}

	goesOnAfterAKill(t, h, h.steps["config"].Outputs["file"], convert["file"], len(losses))

	// A model with a layer more would train that layer from random weights.
	config := filepath.Join(h.dir, "three.yaml")
	text, err = yamledit.Edit([]byte(read(t, h.steps["config"].Outputs["file"])), map[string]any{"model.model_config.num_layers": "3"})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(config, text, 0o644))
	only, err := Parse("only.yaml", []byte(`
apiVersion: ftd/v1
name: only
vars: {config: , base: }
steps: [{id: train, uses: train, with: {config: "${config}", base: "${base}", doctor: "off"}}]
`))
	require.NoError(t, err)
	p := h.fails(job(h, only, map[string]string{"config": config, "base": convert["file"]}))
	require.Equal(t, CodeWeights, p.Code)
	require.Contains(t, p.Message, "model.layers.2.attention.wk.weight is not in the checkpoint and would begin at random")
}

// goesOnAfterAKill kills a training once it has saved a checkpoint; the next
// attempt has the steps after that, and its weights.
func goesOnAfterAKill(t *testing.T, h *memoryHost, config, base string, steps int) {
	t.Helper()
	r, err := Parse("again.yaml", []byte(`
apiVersion: ftd/v1
name: again
vars: {config: , base: }
steps: [{id: again, uses: train, with: {config: "${config}", base: "${base}", restart: {budget: 1, backoff: 1ms}}}]
`))
	require.NoError(t, err)
	before := len(h.verdicts)
	ended := make(chan error)
	go func() {
		ended <- Run(t.Context(), job(h, r, map[string]string{"config": config, "base": base}), h, h.settings())
	}()
	eventually(t, "a checkpoint", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.verdicts) > before
	})
	require.NoError(t, syscall.Kill(h.attempt("again").shim.Child, syscall.SIGKILL))
	require.NoError(t, <-ended)
	require.Len(t, h.attempts["again"], 2)
	run, err := launcher.Open(h.attempt("again").Dir)
	require.NoError(t, err)
	summary, err := logparse.SummarizeFile(t.Context(), run.Log())
	require.NoError(t, err)
	require.Greater(t, summary.First.GlobalStep(), int64(1))
	require.EqualValues(t, steps, summary.Last.GlobalStep())
	report, err := readWeights(h.attempt("again").Dir)
	require.NoError(t, err)
	require.Contains(t, report.Checkpoint, resumeDir)
	require.Equal(t, report.Tensors, report.Loaded)
}

func (h *memoryHost) losses() (losses []float64) {
	for _, b := range h.batches {
		for _, r := range b.Records {
			if r.Kind == logparse.KindStep {
				losses = append(losses, r.Step.Loss)
			}
		}
	}
	return losses
}

func mean(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}
