package lock

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheNextWaitsUntilTheTurnIsOver(t *testing.T) {
	dir := t.TempDir()
	first, err := Directory(t.Context(), dir)
	require.NoError(t, err)

	tired := errors.New("tired of waiting")
	waiting, giveUp := context.WithCancelCause(t.Context())
	giveUp(tired)
	_, err = Directory(waiting, dir)
	require.ErrorIs(t, err, tired, "somebody else has it, for as long as anybody waits")

	taken := make(chan error)
	go func() {
		second, err := Directory(t.Context(), dir)
		if err == nil {
			second()
		}
		taken <- err
	}()
	first()
	require.NoError(t, <-taken, "its turn has come")
}

func TestNobodyWaitsForTheTurnAtAnotherDirectory(t *testing.T) {
	first, err := Directory(t.Context(), t.TempDir())
	require.NoError(t, err)
	defer first()
	second, err := Directory(t.Context(), t.TempDir())
	require.NoError(t, err)
	second()
}

func TestThereIsNoTurnAtWhatIsNotThere(t *testing.T) {
	_, err := Directory(t.Context(), t.TempDir()+"/none")
	require.Error(t, err)
}
