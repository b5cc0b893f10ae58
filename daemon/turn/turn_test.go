package turn_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/daemon/turn"
)

func TestTheNextWaitsUntilTheTurnIsOver(t *testing.T) {
	dir := t.TempDir()
	first, err := turn.Take(t.Context(), dir)
	require.NoError(t, err)

	tired := errors.New("tired of waiting")
	waiting, giveUp := context.WithCancelCause(t.Context())
	giveUp(tired)
	_, err = turn.Take(waiting, dir)
	require.ErrorIs(t, err, tired, "somebody else has it, for as long as anybody waits")

	taken := make(chan error)
	go func() {
		second, err := turn.Take(t.Context(), dir)
		if err == nil {
			err = second.Close()
		}
		taken <- err
	}()
	require.NoError(t, first.Close())
	require.NoError(t, <-taken, "its turn has come")
}

func TestNobodyWaitsForTheTurnAtAnotherDirectory(t *testing.T) {
	first, err := turn.Take(t.Context(), t.TempDir())
	require.NoError(t, err)
	defer first.Close()
	second, err := turn.Take(t.Context(), t.TempDir())
	require.NoError(t, err)
	require.NoError(t, second.Close())
}

func TestThereIsNoTurnAtWhatIsNotThere(t *testing.T) {
	_, err := turn.Take(t.Context(), t.TempDir()+"/none")
	require.Error(t, err)
}
