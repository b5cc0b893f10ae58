package journal

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestContentsAreThoseOfOneLook(t *testing.T) {
	j := fresh(t)
	_, ok, err := j.Content(t.Context(), "/w", "1")
	require.NoError(t, err)
	require.False(t, ok)
	require.NoError(t, j.PutContent(t.Context(), "/w", "1", "a"))
	require.NoError(t, j.PutContent(t.Context(), "/w", "2", "b"))
	_, ok, err = j.Content(t.Context(), "/w", "1")
	require.NoError(t, err)
	require.False(t, ok, "the file looks otherwise now")
	sum, ok, err := j.Content(t.Context(), "/w", "2")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "b", sum)
}
