package nesting

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatLiesTooDeepInItself(t *testing.T) {
	for _, opening := range []string{"[", "{a: ", "- ", "? ", "[{a: ", "- ["} {
		line, column, ok := TooDeep([]byte("a: 1\nsteps:\n  " + strings.Repeat(opening, 20_000)))
		require.False(t, ok, opening)
		require.Equal(t, 3, line, opening)
		require.Positive(t, column, opening)
	}
	// What is in quotes is text.
	_, _, ok := TooDeep([]byte("name: fine\ndescription: '" + strings.Repeat("[", 1000) + "'\n"))
	require.True(t, ok)
}
