package recipe

import (
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestARecipeThatLiesTooDeepInItselfTakesNoMemory(t *testing.T) {
	for _, opening := range []string{"[", "{a: ", "- ", "? ", "[{a: ", "- ["} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Parse("deep.yaml", []byte("apiVersion: ftd/v1\nsteps:\n  "+strings.Repeat(opening, 20_000)))
		runtime.ReadMemStats(&after)
		require.ErrorContains(t, err, "deep in each other", opening)
		require.ErrorContains(t, err, "deep.yaml:3")
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(100<<20), opening)
	}
}
