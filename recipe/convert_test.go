package recipe

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/checkpoint"
)

// Weights of a ChatGLM go through merge and convert, in float16 and in another type.
func TestMergedWeightsConvert(t *testing.T) {
	mindspore(t)
	h := newHost(t)
	r, err := Parse("glm.yaml", []byte(`
apiVersion: ftd/v1
name: glm
steps:
  - id: weights
    uses: weights
    with: {family: glm, vocab_size: 300, hidden_size: 64, intermediate_size: 96, layers: 2, heads: 4, max_positions: 32}
  - {id: merge, uses: merge, with: {weights: "${steps.weights.outputs.dir}", dtype: bfloat16}}
  - {id: convert, uses: convert, with: {weights: "${steps.merge.outputs.dir}", dtype: float32}}
`))
	require.NoError(t, err)
	h.run(job(h, r, nil))
	require.Equal(t, "30", h.steps["merge"].Outputs["tensors"])
	require.Equal(t, "bfloat16", h.steps["merge"].Outputs["dtype"])
	made := h.steps["convert"].Outputs
	for name, want := range map[string]string{
		"tensors_in": "30", "tensors_out": "28", "left_out": "2", "unmapped": "0", "unmapped_names": "",
		"dtype": "Float32", "converter": "ftd_steps.families.Glm",
	} {
		require.Equal(t, want, made[name], name)
	}
	v, err := checkpoint.Verify(t.Context(), made["file"], checkpoint.Options{Deep: true})
	require.NoError(t, err)
	require.True(t, v.Complete, v.Reason)
	require.Zero(t, v.Deep.NaN+v.Deep.Inf)
}

// step is what convert gets to see, of weights in a directory.
func (h *memoryHost) convertStep(with map[string]any) *StepContext {
	settings := h.settings()
	settings.Env = ""
	return &StepContext{
		Step: Step{ID: "convert", Uses: "convert"}, With: with, Host: h, Settings: settings,
		Attempt: Attempt{Dir: h.dir}, Dir: h.dir,
	}
}

func TestAConversionSaysWhatItTakes(t *testing.T) {
	h := newHost(t)
	weights := filepath.Join(h.dir, "weights")
	require.NoError(t, os.Mkdir(weights, 0o755))
	plan := func(kind Kind, with map[string]any) Plan {
		with["weights"] = weights
		p, err := kind.Plan(t.Context(), h.convertStep(with))
		require.NoError(t, err)
		return p
	}
	require.Zero(t, plan(convertKind(), map[string]any{}).Disk, "nothing is known of weights that are not there")
	const size = 1000 << 20
	for _, name := range []string{"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "README.md"} {
		require.NoError(t, os.WriteFile(filepath.Join(weights, name), nil, 0o644))
		require.NoError(t, os.Truncate(filepath.Join(weights, name), size)) // sparse
	}
	p := plan(convertKind(), map[string]any{})
	require.EqualValues(t, 2*size, p.Disk)
	require.EqualValues(t, convertMemory, p.Memory, "it does not grow with the model")
	require.EqualValues(t, 4*size, plan(convertKind(), map[string]any{"dtype": "float32"}).Disk)
	for who, with := range map[string]map[string]any{"mindformers' own converter": {"by": "mindformers"}, "the checkout's own script": {"mindformers": "checkout"}} {
		p = plan(convertKind(), with)
		require.Greater(t, p.Memory, int64(6*size))
		require.Contains(t, p.Summary, who)
	}
	p = plan(mergeKind(), map[string]any{})
	require.EqualValues(t, 2*size, p.Disk)
	require.Zero(t, p.Memory)
}

func TestAConversionDependsOnTheConvertersOfACheckout(t *testing.T) {
	h := newHost(t)
	checkout := filepath.Join(h.dir, "checkout")
	write := func(path string) {
		path = filepath.Join(checkout, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		require.NoError(t, err)
		_, err = f.WriteString("# another line\n")
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
	converter := "mindformers/models/llama/convert_weight.py"
	write(converter)
	key := func(with map[string]any) string {
		k, err := convertKind().Key(t.Context(), h.convertStep(with))
		require.NoError(t, err)
		return k
	}
	original := map[string]any{"mindformers": checkout}
	before := key(original)
	require.NotEqual(t, before, key(map[string]any{}))
	write(".git/HEAD")
	require.Equal(t, before, key(original))
	write(converter)
	require.NotEqual(t, before, key(original))
}

// onlyPython is a Python of which only the calls matter.
type onlyPython struct {
	*memoryHost
	calls []PythonCall
}

func (h *onlyPython) Python() Python      { return h }
func (h *onlyPython) Interpreter() string { return "" }
func (h *onlyPython) Call(_ context.Context, c PythonCall) (json.RawMessage, error) {
	h.calls = append(h.calls, c)
	return json.RawMessage("{}"), nil
}

// The mindformers of a checkout and the installed one do not fit into one
// interpreter.
func TestACheckoutsFilesRunInAWorker(t *testing.T) {
	for _, kind := range []Kind{convertKind(), conversationsKind(), mindrecordKind(), adgenKind()} {
		h := &onlyPython{memoryHost: newHost(t)}
		for _, with := range []map[string]any{{}, {"by": "mindformers"}, {"mindformers": "checkout"}, {"mindformers": "checkout", "by": "ftd"}} {
			s := h.convertStep(with)
			s.Host = h
			_, err := kind.Run(t.Context(), s)
			require.NoError(t, err)
		}
		var isolated []bool
		for _, c := range h.calls {
			isolated = append(isolated, c.Isolated)
		}
		require.Equal(t, []bool{false, false, true, true}, isolated)
	}
}

func TestDataDependsOnTheScriptsOfACheckout(t *testing.T) {
	for _, kind := range []Kind{conversationsKind(), mindrecordKind(), adgenKind()} {
		h := newHost(t)
		checkout := filepath.Join(h.dir, "checkout")
		write := func(path, text string) {
			path = filepath.Join(checkout, "mindformers", path)
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		}
		key := func() string {
			k, err := kind.Key(t.Context(), h.convertStep(map[string]any{"mindformers": checkout}))
			require.NoError(t, err)
			return k
		}
		write("models/llama/llama_tokenizer.py", "one")
		write(preprocessors+"/llama/script.py", "one")
		before := key()
		write(preprocessors+"/llama/__pycache__/script.cpython-37.pyc", "what Python leaves when it has run")
		require.Equal(t, before, key())
		write(preprocessors+"/llama/script.py", "another")
		require.NotEqual(t, before, key())
	}
}
