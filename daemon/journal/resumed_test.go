package journal

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

func TestAJobThatIsResumedIsInLineAgain(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "journal.db"))
	ctx := t.Context()
	require.NoError(t, j.CreateJob(ctx, api.Job{ID: "01resume", Name: "n", State: api.StateQueued, Dir: "/d", Created: time.Now(),
		Steps: []api.Step{{ID: "done", Uses: "x", State: api.StateQueued}, {ID: "train", Uses: "train", State: api.StateQueued}}}, api.Submit{}))
	resumed, err := j.ResumeJob(ctx, "01resume")
	require.NoError(t, err)
	require.False(t, resumed, "it waits already")
	_, err = j.SetJob(ctx, "01resume", api.StateRunning, nil)
	require.NoError(t, err)
	resumed, err = j.ResumeJob(ctx, "01resume")
	require.NoError(t, err)
	require.False(t, resumed, "it is at work")

	require.NoError(t, j.SetStep(ctx, "01resume", api.Step{ID: "done", State: api.StateSucceeded, Key: "k"}, time.Now()))
	a, err := j.BeginAttempt(ctx, "01resume", "train", "boot", func(id string) string { return "/d/" + id })
	require.NoError(t, err)
	failure := api.Errorf("x", "why")
	require.NoError(t, j.EndAttempt(ctx, "01resume", api.Attempt{ID: a.ID, State: api.StateFailed, Error: failure}))
	require.NoError(t, j.SetStep(ctx, "01resume", api.Step{ID: "train", State: api.StateFailed, Error: failure}, time.Now()))
	_, err = j.SetJob(ctx, "01resume", api.StateFailed, failure)
	require.NoError(t, err)

	resumed, err = j.ResumeJob(ctx, "01resume")
	require.NoError(t, err)
	require.True(t, resumed)
	job, err := j.Job(ctx, "01resume")
	require.NoError(t, err)
	require.Equal(t, api.StateQueued, job.State)
	require.Nil(t, job.Error)
	require.Nil(t, job.Ended)
	require.Equal(t, api.StateSucceeded, job.Steps[0].State)
	require.Equal(t, api.StateQueued, job.Steps[1].State)
	require.Nil(t, job.Steps[1].Error)
	require.Len(t, job.Steps[1].Attempts, 1)
	earlier, err := j.EarlierAttempts(ctx, "01resume")
	require.NoError(t, err)
	require.Equal(t, map[string]int{"train": 1}, earlier)
}
