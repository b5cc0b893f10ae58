package cmd_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
	"ftd/launcher"
)

// What a daemon finds of a training may be damaged: that is an error of this
// job, in words, and of no other.
func TestABrokenRunDirectoryStopsNoOther(t *testing.T) {
	t.Setenv("FTD_SLOTS", "2") // of the daemon
	h := newHouse(t)
	h.start()
	script, err := filepath.Abs("../testdata/trainer/trainer.py")
	require.NoError(t, err)
	train := func(steps string) string {
		dir, err := os.MkdirTemp(h.dir, "work")
		require.NoError(t, err)
		submitted := h.ctl("train", "--detach", "-o", "json", "--dir", dir, "--", filepath.Join(h.env, "bin", "python"), "-B", script,
			"--steps", steps, "--step-ms", "20")
		require.Zero(t, submitted.code, submitted.stderr)
		return decode[api.Job](t, submitted).ID
	}
	broken, healthy := train("100000"), train("150")
	eventually(t, "steps of both", func() bool { return len(h.points(broken)) > 0 && len(h.points(healthy)) > 0 })
	dir := h.job(broken).Steps[0].Attempts[0].Dir
	h.kill()

	var shim launcher.Shim
	data, err := os.ReadFile(filepath.Join(dir, "shim.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &shim))
	spec, err := os.ReadFile(filepath.Join(dir, "spec.json"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "spec.json"), spec[:len(spec)/2], 0o600))
	h.start()

	require.Zero(t, h.ctl("wait", healthy, "--timeout", "3m").code)
	requireEveryStepOnce(t, h.points(healthy), 150)
	eventually(t, "the verdict on the broken one", func() bool { return h.job(broken).State.Ended() })
	job := h.job(broken)
	require.Equal(t, api.StateFailed, job.State)
	require.Equal(t, launcher.CodeRunDirectory, job.Error.Code)
	require.Contains(t, job.Error.Message, "spec.json")
	require.Contains(t, job.Error.Remedy, fmt.Sprintf("kill %d", shim.PID))

	// Nobody touched its processes: whose they are is not known for sure.
	require.NoError(t, syscall.Kill(shim.Child, 0))
	require.NoError(t, syscall.Kill(shim.PID, syscall.SIGTERM)) // the shim ends its training
	eventually(t, "the end of the shim", func() bool {
		_, err := os.Stat(filepath.Join(dir, "exit.json"))
		return err == nil
	})
}
