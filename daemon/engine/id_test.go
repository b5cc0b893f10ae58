package engine

import (
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/stretchr/testify/require"

	"ftd/api"
)

// The clock was an hour ahead when the last jobs were made.
func TestANewJobIsTheNewestWhateverTheClockSays(t *testing.T) {
	e := opened(t, t.TempDir(), &calls{})
	ahead := ulid.MustNew(ulid.Timestamp(time.Now().Add(time.Hour)), ulid.DefaultEntropy())
	before := api.Job{ID: strings.ToLower(ahead.String()), State: api.StateSucceeded, Created: time.Now().Add(time.Hour)}
	require.NoError(t, e.Journal.CreateJob(t.Context(), before, api.Submit{Recipe: "tiny-llama"}))
	want := []string{before.ID}
	for range 3 {
		job, err := e.Submit(t.Context(), api.Submit{Recipe: "tiny-llama"})
		require.NoError(t, err)
		require.WithinDuration(t, time.Now(), job.Created, time.Minute)
		want = append([]string{job.ID}, want...)
	}
	list, err := e.Jobs(t.Context(), api.JobsQuery{Limit: 10})
	require.NoError(t, err)
	var got []string
	for _, j := range list {
		got = append(got, j.ID)
	}
	require.Equal(t, want, got)
}
