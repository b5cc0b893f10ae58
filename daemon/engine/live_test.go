package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Also where nobody scrapes.
func TestTrainingsThatHaveEndedAreForgotten(t *testing.T) {
	e := &Engine{live: newLive()}
	e.live.named("running", "train.1", "a")
	for i := range 2000 {
		job := fmt.Sprint(i)
		e.live.named(job, "train.1", "a")
		e.live.end(job)
	}
	require.Len(t, e.live.jobs, maxEnded+1)
	require.Len(t, e.Trainings(), maxEnded+1)
	require.Contains(t, e.live.jobs, "running")
	require.Contains(t, e.live.jobs, "1999")
	for _, j := range e.live.jobs {
		if !j.ended.IsZero() {
			j.ended = time.Now().Add(-keepEnded - time.Second)
		}
	}
	require.Len(t, e.Trainings(), 1)
	require.Len(t, e.live.jobs, 1)
}
