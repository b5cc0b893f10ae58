package cmd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// endless is a training with two processes of its own, which is stopped with
// two graces of half a second; %s is what it does about signals.
const endless = `
apiVersion: ftd/v1
name: endless
steps:
  - id: train
    uses: train
    with:
      command: [%q, -B, %q, --steps, 1000000, --step-ms, 20, --workers, 2%s]
      stop: {interrupt: 500ms, terminate: 500ms}
`

// BenchmarkEnds measures how soon it is known that a training has crashed, and
// how much longer than its graces the stop of one takes that ignores them. Of ten the
// slowest counts.
func BenchmarkEnds(b *testing.B) {
	const tries = 10
	h := newHouse(b)
	h.start()
	script, err := filepath.Abs("../testdata/trainer/trainer.py")
	require.NoError(b, err)
	end := func(more string, do func(job *api.Job)) time.Duration {
		recipe := filepath.Join(h.dir, "endless.yaml")
		require.NoError(b, os.WriteFile(recipe, fmt.Appendf(nil, endless, filepath.Join(h.env, "bin", "python"), script, more), 0o600))
		run := h.ctl("run", "--detach", "-o", "json", recipe)
		require.Zero(b, run.code, run.stderr)
		id := decode[api.Job](b, run).ID
		eventually(b, "a step", func() bool { t := h.ask(id).Training; return t != nil && t.StepsDone > 0 })
		job, began := h.ask(id), time.Now()
		do(job)
		eventually(b, "the end", func() bool { return h.ask(id).State.Ended() })
		return time.Since(began)
	}
	var crash, stop time.Duration
	for range tries {
		crash = max(crash, end("", func(job *api.Job) {
			require.NoError(b, syscall.Kill(job.Steps[0].Attempts[0].PID, syscall.SIGKILL))
		}))
		stop = max(stop, end(", --ignore, SIGINT, --ignore, SIGTERM", func(job *api.Job) {
			require.Zero(b, h.ctl("stop", job.ID).code)
		}))
	}
	b.ReportMetric(float64(crash.Milliseconds()), "crash-seen-ms")
	b.ReportMetric(float64((stop - time.Second).Milliseconds()), "stop-late-ms")
	b.ReportMetric(0, "ns/op")
}
