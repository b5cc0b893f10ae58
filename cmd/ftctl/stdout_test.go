package main

import (
	"bytes"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

type broken struct{ err error }

func (b broken) Write([]byte) (int, error) { return 0, b.err }

func TestDataThatCannotBeWrittenIsAFailure(t *testing.T) {
	newHouse(t)
	for _, args := range [][]string{{"ps", "-a"}, {"recipe", "ls"}, {"config"}, {"help", "ps"}, {"version", "-o", "json"}} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		require.NoError(t, err)
		var talk bytes.Buffer
		require.Equal(t, exitFailed, execute(t.Context(), args, nil, full, &talk), args)
		require.NoError(t, full.Close())
		require.Contains(t, talk.String(), "no space left on device")
		require.Contains(t, talk.String(), "free some space")

		talk.Reset()
		require.Equal(t, exitFailed, execute(t.Context(), args, nil, broken{syscall.EPIPE}, &talk), args)
		require.Empty(t, talk.String(), "nobody reads it")
	}
}
