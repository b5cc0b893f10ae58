package journal

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

func TestCardsAreHeldUntilTheAttemptHasEnded(t *testing.T) {
	j := fresh(t)
	job(t, j, "01")
	a, err := j.BeginAttempt(t.Context(), "01", "train", "boot", func(id string) string { return "/runs/" + id })
	require.NoError(t, err)
	held, err := j.Leases(t.Context())
	require.NoError(t, err)
	require.Empty(t, held)

	require.NoError(t, j.SetCards(t.Context(), "01", a.ID, []int{3, 5}))
	held, err = j.Leases(t.Context())
	require.NoError(t, err)
	stored, err := j.Job(t.Context(), "01")
	require.NoError(t, err)
	require.Equal(t, []Lease{{Job: "01", Name: stored.Name, Attempt: a.ID, Cards: []int{3, 5}}}, held)

	require.NoError(t, j.EndAttempt(t.Context(), "01", api.Attempt{ID: a.ID, State: api.StateFailed}))
	held, err = j.Leases(t.Context())
	require.NoError(t, err)
	require.Empty(t, held)
	attempts, err := j.Attempts(t.Context(), "01")
	require.NoError(t, err)
	at := slices.IndexFunc(attempts, func(other api.Attempt) bool { return other.ID == a.ID })
	require.Equal(t, []int{3, 5}, attempts[at].Cards, "it is still known where it ran")

	require.Error(t, j.SetCards(t.Context(), "01", "train.9", []int{1}))
}
