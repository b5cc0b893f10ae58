package cmd_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// The ChatGLM way of the guide, with one command, on real MindSpore: which
// ChatGLM it is depends on the mindformers that is installed.
func TestTinyGLMFromNothingToACheckpoint(t *testing.T) {
	h := newHouse(t)
	h.start()

	run := h.ctl("run", "tiny-glm", "-o", "json")
	require.Zero(t, run.code, "stdout: %s\nstderr: %s", run.stdout, run.stderr)
	job := decode[api.Job](t, run)
	require.Equal(t, api.StateSucceeded, job.State)

	points := h.points(job.ID)
	require.NotEmpty(t, points)
	requireEveryStepOnce(t, points, int(points[len(points)-1].Epochs*points[0].Total))
	require.Less(t, float64(points[len(points)-1].Loss), float64(points[0].Loss))
	require.NotNil(t, job.Training)
	require.NotEmpty(t, job.Training.Checkpoints)

	// Other weights need no other tokenizer and no other data.
	again := decode[api.Job](t, h.ctl("run", "tiny-glm", "--set", "seed=2", "--set", "epochs=1", "-o", "json"))
	require.Equal(t, api.StateSucceeded, again.State)
	for _, step := range again.Steps {
		switch step.ID {
		case "data", "tokenizer", "adgen", "model":
			require.Equal(t, api.StateSkipped, step.State, step.ID)
		default:
			require.Equal(t, api.StateSucceeded, step.State, step.ID)
		}
	}
}
