package journal

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// Whoever may look at a job need not know the signatures it fetches with; the
// daemon that takes it up again must.
func TestAJobIsShownWithoutItsSecrets(t *testing.T) {
	j := fresh(t)
	vars := map[string]string{"data": "https://example.org/a.zip?Signature=hidden", "hf_token": "hidden"}
	require.NoError(t, j.CreateJob(t.Context(), api.Job{ID: "01", Name: "n", Recipe: "r", State: api.StateQueued, Created: time.Now()}, api.Submit{Recipe: "r", Vars: vars}))
	job, err := j.Job(t.Context(), "01")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"data": "https://example.org/a.zip?***", "hf_token": "***"}, job.Vars)
	asked, err := j.Submitted(t.Context(), "01")
	require.NoError(t, err)
	require.Equal(t, vars, asked.Vars)
}
