package cmd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// A training that hangs is found, looked into, ended, and goes on from its
// newest checkpoint, although the daemon is killed in between.
func TestATrainingThatHangsGoesOn(t *testing.T) {
	h := newHouse(t)
	h.start()
	script, err := filepath.Abs("../testdata/trainer/trainer.py")
	require.NoError(t, err)
	recipe := filepath.Join(h.dir, "hang.yaml")
	require.NoError(t, os.WriteFile(recipe, fmt.Appendf(nil, `
apiVersion: ftd/v1
name: hang
steps:
  - id: train
    uses: train
    with:
      command: [%q, -B, %q, --steps, 40, --step-ms, 5, --save-every, 10, --hang-at, 25]
      resume: [--resumed, "{step}", "--load-checkpoint={checkpoint}"]
      watchdogs:
        stall: {action: restart, limit: 3s}
      restart: {budget: 2, backoff: 10ms}
`, filepath.Join(h.env, "bin", "python"), script), 0o600))
	run := h.ctl("run", "--detach", "-o", "json", recipe)
	require.Zero(t, run.code, run.stderr)
	id := decode[api.Job](t, run).ID
	eventually(t, "the step before the hang", func() bool { return len(h.points(id)) == 24 })
	h.kill() // the next daemon has not seen it step, and finds it all the same
	h.start()
	eventually(t, "the end", func() bool { return h.job(id).State.Ended() })

	job := h.job(id)
	require.Equal(t, api.StateSucceeded, job.State, "%+v", job.Error)
	require.Len(t, job.Steps[0].Attempts, 2)
	alarm := job.Training.Alarms[0]
	require.Equal(t, "stall", alarm.Watchdog)
	require.Equal(t, "train.1", alarm.Attempt)
	require.FileExists(t, alarm.Dump)
	for _, p := range h.points(id) {
		require.Equal(t, p.Attempt == "train.2" && p.GlobalStep <= 24, p.Repeated, "%+v", p)
	}
	shown := h.ctl("show", id)
	require.Contains(t, shown.stdout, "watchdog    stall: no step for")
	require.Contains(t, shown.stdout, "it starts the training again; see "+alarm.Dump)
}
