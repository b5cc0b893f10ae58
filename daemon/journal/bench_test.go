package journal

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// BenchmarkHundredTrainings stores what a hundred trainings log at 50 lines a
// second, a twentieth of a second at a time: what the journal alone takes of
// the figure runs-cpu.
func BenchmarkHundredTrainings(b *testing.B) {
	const trainings, perSecond, looks = 100, 50, 20
	j, _, err := Open(b.Context(), filepath.Join(b.TempDir(), "journal.db"))
	require.NoError(b, err)
	defer j.Close()
	for n := range trainings {
		benchJob(b, j, fmt.Sprintf("%026d", n))
	}
	before := cpuTime()
	step := int64(0)
	for b.Loop() {
		from := step
		step += perSecond / looks
		var all sync.WaitGroup
		for n := range trainings {
			all.Go(func() {
				batch := batch(fmt.Sprintf("%026d", n), 200*step)
				batch.Parser, batch.Tracker = make([]byte, 120), strings.Repeat("x", 1200)
				for s := from; s < step; s++ {
					no := false
					batch.Points = append(batch.Points, api.Point{Attempt: "train.1", Time: time.Now(), Offset: 200 * s, Epoch: 1, Epochs: 1,
						Step: s, Total: 1000000, GlobalStep: s, Loss: 2.5, LR: api.Float(1e-5).Ptr(), StepMS: 20, Overflow: &no,
						LossScale: api.Float(65536).Ptr(), GlobalNorm: api.Float(0.606).Ptr()})
				}
				if err := j.AddBatch(b.Context(), batch); err != nil {
					b.Error(err)
				}
			})
		}
		all.Wait()
	}
	each := (cpuTime() - before) / time.Duration(b.N)
	b.ReportMetric(100*each.Seconds()*looks, "cpu-%")
}

func benchJob(b *testing.B, j *Journal, id string) {
	b.Helper()
	require.NoError(b, j.CreateJob(b.Context(), api.Job{ID: id, Name: "bench", Recipe: "command", State: api.StateRunning,
		Steps: []api.Step{{ID: "train", Uses: "train", State: api.StateRunning}}}, api.Submit{}))
	_, err := j.BeginAttempt(b.Context(), id, "train", "boot", func(string) string { return "/runs" })
	require.NoError(b, err)
}

func cpuTime() time.Duration {
	var use syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &use) // cannot fail
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
