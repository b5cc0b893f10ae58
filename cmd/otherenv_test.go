package cmd_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
	"ftd/launcher"
)

// Every step of a recipe may be done in an environment that the daemon was not
// built for, the training by a config too: there MindSpore, mindformers and
// Python itself are others. FTD_TEST_OTHER_ENV names it.
func TestTinyLlamaInAnotherEnvironment(t *testing.T) {
	other := os.Getenv("FTD_TEST_OTHER_ENV")
	if other == "" {
		t.Skip("needs FTD_TEST_OTHER_ENV, an environment with another MindSpore than FTD_TEST_ENV")
	}
	h := newHouse(t)
	h.start()
	shown := h.ctl("recipe", "show", "tiny-llama")
	require.Zero(t, shown.code, shown.stderr)
	recipe := regexp.MustCompile(`(?m)^    uses: .*$`).ReplaceAllString(shown.stdout, "$0\n    environment: "+other)
	file := filepath.Join(h.dir, "other.yaml")
	require.NoError(t, os.WriteFile(file, []byte(recipe), 0o600))

	run := h.ctl("run", file, "--set", "epochs=1", "-o", "json")
	require.Zero(t, run.code, "stdout: %s\nstderr: %s", run.stdout, run.stderr)
	job := decode[api.Job](t, run)
	points := h.points(job.ID)
	requireEveryStepOnce(t, points, 31)
	require.Less(t, float64(points[30].Loss), float64(points[0].Loss))
	require.NotEmpty(t, job.Training.Checkpoints)
	training, err := launcher.Open(filepath.Join(job.Dir, "train.1"))
	require.NoError(t, err)
	require.Equal(t, filepath.Join(other, "bin", "python"), training.Spec().Command[0])
}
