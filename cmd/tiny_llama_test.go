package cmd_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
	"ftd/checkpoint"
)

// One command, from nothing to a verified checkpoint, on real MindSpore.
func TestTinyLlamaFromNothingToAVerifiedCheckpoint(t *testing.T) {
	h := newHouse(t)
	h.start()

	run := h.ctl("run", "tiny-llama", "-o", "json")
	require.Zero(t, run.code, "stdout: %s\nstderr: %s", run.stdout, run.stderr)
	job := decode[api.Job](t, run)
	require.Equal(t, api.StateSucceeded, job.State)
	for _, step := range job.Steps {
		require.Equal(t, api.StateSucceeded, step.State, step.ID)
	}

	// It learnt something, and every step of it is on record once.
	points := h.points(job.ID)
	require.NotEmpty(t, points)
	requireEveryStepOnce(t, points, int(points[len(points)-1].Epochs*points[0].Total))
	first, last := float64(points[0].Loss), float64(points[len(points)-1].Loss)
	require.Less(t, last, first)
	require.False(t, math.IsNaN(last))

	// The checkpoint it names is complete by its bytes.
	require.NotNil(t, job.Training)
	require.NotEmpty(t, job.Training.Checkpoints)
	newest := job.Training.Checkpoints[len(job.Training.Checkpoints)-1]
	verify := h.ctl("ckpt", "verify", "-o", "json", newest.Path)
	require.Zero(t, verify.code, verify.stdout)
	verdict := decode[checkpoint.Verdict](t, verify)
	require.True(t, verdict.Complete)
	require.Equal(t, newest.Tensors, verdict.Tensors)

	// The daemon and the file agree about the log.
	logs := h.ctl("logs", job.ID, "--step", "train")
	require.Zero(t, logs.code, logs.stderr)
	require.Contains(t, logs.stdout, "Training Over!")

	// The Python steps ran inside the daemon, and what they printed went to
	// their own logs: every line of the daemon's log is the daemon's.
	for _, line := range strings.Split(strings.TrimSpace(h.daemonLog()), "\n")[1:] {
		require.True(t, json.Valid([]byte(line)), line)
	}

	// The same again: what is there is not made again, the training is.
	again := decode[api.Job](t, h.ctl("run", "tiny-llama", "-o", "json"))
	require.Equal(t, api.StateSucceeded, again.State)
	for _, step := range again.Steps {
		if step.Uses == "train" {
			require.Equal(t, api.StateSucceeded, step.State)
		} else {
			require.Equal(t, api.StateSkipped, step.State, step.ID)
		}
	}

	// A result that was damaged meanwhile is made again.
	require.NoError(t, os.WriteFile(base(t, job), []byte("damaged"), 0o600))
	mended := decode[api.Job](t, h.ctl("run", "tiny-llama", "-o", "json"))
	require.Equal(t, api.StateSucceeded, mended.State)
	for _, step := range mended.Steps {
		if step.Uses == "convert" {
			require.Equal(t, api.StateSucceeded, step.State)
		}
	}

	// Gone means gone.
	require.Zero(t, h.ctl("rm", "--checkpoints", job.ID).code)
	require.Equal(t, 4, h.ctl("show", job.ID).code)
	require.NoDirExists(t, job.Dir)
}

// base is the converted checkpoint that the training began from.
func base(t *testing.T, job api.Job) string {
	t.Helper()
	for _, step := range job.Steps {
		if step.Uses != "convert" {
			continue
		}
		for _, value := range step.Outputs {
			if strings.HasSuffix(value, ".ckpt") {
				require.NoError(t, os.Chmod(value, 0o600)) // MindSpore writes 0400
				return value
			}
		}
	}
	t.Fatal("no converted checkpoint among the outputs")
	return ""
}

// The daemon is killed in the middle of a training; the next one takes it over.
func TestDaemonKilledInTheMiddleOfTheTraining(t *testing.T) {
	h := newHouse(t)
	h.start()
	submit := h.ctl("run", "tiny-llama", "--detach", "-o", "json")
	require.Zero(t, submit.code, submit.stderr)
	id := decode[api.Job](t, submit).ID

	eventually(t, "the training's fifth step", func() bool {
		job := h.job(id)
		require.False(t, job.State.Ended(), "it ended too early: %v", job.Error)
		return job.Training != nil && job.Training.StepsDone >= 5
	})
	before := len(h.points(id))
	h.kill()
	// It goes on without a daemon: wait until the log has steps nobody read.
	log := rankLog(t, h)
	size := fileSize(t, log)
	eventually(t, "the training to write on", func() bool { return fileSize(t, log) > size })
	h.start()

	wait := h.ctl("wait", id, "--timeout", "3m")
	require.Zero(t, wait.code, wait.stderr)
	job := h.job(id)
	require.Equal(t, api.StateSucceeded, job.State)
	points := h.points(id)
	require.Greater(t, len(points), before)
	requireEveryStepOnce(t, points, int(points[0].Epochs*points[0].Total))
	for _, step := range job.Steps {
		require.Len(t, step.Attempts, 1, "%s was done twice", step.ID)
	}
}

func rankLog(t *testing.T, h *house) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(h.state(), "runs", "*", "train.1", "rank_0.log"))
	require.NoError(t, err)
	require.Len(t, found, 1)
	return found[0]
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Size()
}
