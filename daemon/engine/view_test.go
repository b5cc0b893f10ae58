package engine

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// To ask for the list often is cheap: ftctl ps, and dashboards.
func TestAListOfJobsHasTheTrainingsAtWorkFromMemory(t *testing.T) {
	e := opened(t, t.TempDir(), &calls{})
	stored, err := json.Marshal(begun(time.Now(), 0))
	require.NoError(t, err)
	var working []string
	for _, id := range []string{"01a", "01b", "01c"} {
		require.NoError(t, e.Journal.CreateJob(t.Context(), api.Job{ID: id, State: api.StateRunning, Created: time.Now(),
			Steps: []api.Step{{ID: "train", State: api.StateRunning}}}, api.Submit{}))
		a, err := e.Journal.BeginAttempt(t.Context(), id, "train", "", func(string) string { return t.TempDir() })
		require.NoError(t, err)
		require.NoError(t, e.Journal.SetShim(t.Context(), id, a.ID, nil, stored))
		e.live.update(id, a.ID, tracker{Ranks: map[int]rank{0: {Phase: api.PhaseTraining}}})
		working = append(working, a.ID)
	}
	e.live.end("01b")
	e.live.jobs["01c"] = &liveJob{attempt: working[2], tracker: newTracker()} // what it was could not be read

	jobs, err := e.Jobs(t.Context(), api.JobsQuery{Limit: 10})
	require.NoError(t, err)
	phases := map[string]api.Phase{}
	for i, job := range jobs {
		phases[job.ID] = job.Training.Phase
		require.Equal(t, working[len(working)-1-i], job.Training.Attempt)
	}
	require.Equal(t, map[string]api.Phase{"01a": api.PhaseTraining, "01b": api.PhaseStarting, "01c": api.PhaseStarting}, phases)
}
