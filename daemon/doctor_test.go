package daemon

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
	"ftd/recipe"
)

// A check that a setting leaves out, or a job, refuses nothing: what fails then
// fails for another reason.
func TestChecksThatAreLeftOut(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "--skip-checks", "data, tokenizer")
	require.NoError(t, os.WriteFile(filepath.Join(h.dir, "run.yaml"), []byte(`run_mode: train
load_checkpoint: ""
use_parallel: True
runner_config: {epochs: 1}
model: {arch: {type: GLMForPreTraining}, model_config: {type: GLMConfig}}
train_dataset: {data_loader: {type: ADGenDataLoader, dataset_dir: gone.json}}
`), 0o600))
	text := `{apiVersion: ftd/v1, name: gated, steps: [{id: train, uses: train, with: {config: run.yaml, run_mode: train}}]}`
	ends := func(skip ...string) *api.Error {
		t.Helper()
		job, err := h.Submit(t.Context(), api.Submit{Text: text, Base: h.dir, SkipChecks: skip})
		require.NoError(t, err)
		return h.wait(job.ID).Error
	}
	e := ends()
	require.Equal(t, recipe.CodeDoctor, e.Code)
	require.Contains(t, e.Message, "use_parallel is True", "the setting leaves out its checks, and no others")
	require.NotEqual(t, recipe.CodeDoctor, ends("parallel").Code)

	_, err := h.Submit(t.Context(), api.Submit{Text: text, Base: h.dir, SkipChecks: []string{"parallell"}})
	requireCode(t, err, recipe.CodeInvalid)
	require.ErrorContains(t, err, `did you mean "parallel"?`)
}
