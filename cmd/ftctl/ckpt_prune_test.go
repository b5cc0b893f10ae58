package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// saved trains without MindSpore: four checkpoints, at 10, 20, 30 and 40.
func saved(t *testing.T, dir string) {
	t.Helper()
	trainer, err := filepath.Abs("../../testdata/trainer/trainer.py")
	require.NoError(t, err)
	out, err := exec.CommandContext(t.Context(), "python3", "-B", trainer, //nolint:gosec // the project's own
		"--steps", "40", "--step-ms", "0", "--save-every", "10", "--out", dir).CombinedOutput()
	require.NoError(t, err, string(out))
}

func savedSteps(t *testing.T, dir string) (steps []float64) {
	t.Helper()
	out, talk, status := run(t, "ckpt", "ls", "-o", "json", dir)
	require.Zero(t, status, talk)
	for _, s := range objects(t, out) {
		steps = append(steps, s["step"].(float64))
	}
	return steps
}

func TestPruneAsksBeforeItDeletes(t *testing.T) {
	dir := t.TempDir()
	saved(t, dir)
	for _, answer := range []string{"", "n\n", "no\n", "Y E S\n"} {
		out, talk, status := runWith(t, answer, "ckpt", "prune", "--newest", "2", dir)
		require.Zero(t, status, talk)
		require.Contains(t, talk, "delete 2 of 4 and free")
		require.Contains(t, out, "nothing was deleted")
	}
	out, talk, status := run(t, "ckpt", "prune", "--dry-run", "-o", "json", "--newest", "2", dir)
	require.Zero(t, status, talk)
	require.Len(t, objects(t, out), 4)
	require.Equal(t, []float64{40, 30, 20, 10}, savedSteps(t, dir))

	out, talk, status = runWith(t, "y\n", "ckpt", "prune", "--newest", "2", "--every", "20", dir)
	require.Zero(t, status, talk)
	require.Contains(t, out, "deleted 1 of 4")
	require.Equal(t, []float64{40, 30, 20}, savedSteps(t, dir))

	out, talk, status = run(t, "ckpt", "prune", "--yes", "--every", "1000000", dir)
	require.Zero(t, status, talk)
	require.Contains(t, out, "the newest that is verified")
	require.Equal(t, []float64{40}, savedSteps(t, dir))
}

func TestCkptLsTellsOfLeftovers(t *testing.T) {
	dir := t.TempDir()
	saved(t, dir)
	out, talk, status := run(t, "ckpt", "ls", "-o", "json", dir)
	require.Zero(t, status, talk)
	newest := objects(t, out)[0]["files"].([]any)[0].(map[string]any)["path"].(string)
	require.NoError(t, os.WriteFile(strings.Replace(newest, "_40.", "_50.", 1)+".tmp", []byte("half"), 0o600))
	out, talk, status = run(t, "ckpt", "ls", dir)
	require.Zero(t, status, talk)
	require.Regexp(t, `unfinished .*_50\.\w+\.tmp: 4 B`, out)
}

func TestPruneUsage(t *testing.T) {
	dir := t.TempDir()
	saved(t, dir)
	for says, args := range map[string][]string{
		"needs a rule":        {dir},
		"nothing to say":      {"--dry-run", "--yes", "--newest", "1", dir},
		"nobody to ask":       {"-o", "json", "--newest", "1", dir},
		"is the loss known":   {"--yes", "--best", "1", dir},
		"prune needs a rule:": {"--newest", "-1", dir},
	} {
		_, talk, status := run(t, append([]string{"ckpt", "prune"}, args...)...)
		require.Equal(t, exitUsage, status, talk)
		require.Contains(t, talk, says)
	}
	require.Len(t, savedSteps(t, dir), 4)
}

// The best of a job are known by its log; what others put there stays.
func TestPruneOfAJob(t *testing.T) {
	h := newHouse(t)
	trainer, err := filepath.Abs("../../testdata/trainer/trainer.py")
	require.NoError(t, err)
	id := h.submit("python3", "-B", trainer, "--steps", "40", "--step-ms", "0", "--save-every", "10")
	require.Equal(t, api.StateSucceeded, h.ended(id).State)
	text, talk, status := run(t, "--socket", h.socket, "ckpt", "prune", "--dry-run", "--best", "1", "-o", "json", id)
	require.Zero(t, status, talk)
	plan := objects(t, text)
	require.Len(t, plan, 4)
	require.Equal(t, "the newest that is verified", plan[0]["why"])
	_, talk, status = run(t, "--socket", h.socket, "ckpt", "prune", "--yes", "--newest", "1", id)
	require.Zero(t, status, talk)
	text, talk, status = run(t, "--socket", h.socket, "show", id)
	require.Zero(t, status, talk)
	require.Contains(t, text, "(step 10) is gone: the training or somebody has deleted it")
}
