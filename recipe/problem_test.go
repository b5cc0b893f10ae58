package recipe

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// An exception of a package is printed with the package's name, and told once.
func TestAnExceptionIsNamedOnce(t *testing.T) {
	for _, kind := range []string{"package.Broken", "Broken"} {
		p := problemOf("convert", &callError{Type: kind, Message: "no row 7", Traceback: []string{
			"Traceback (most recent call last):",
			`  File "step.py", line 1, in f`,
			"    raise Broken(7)",
			kind + ": no row 7",
		}})
		require.Equal(t, "the step convert raised Broken: no row 7", p.Message)
	}
}
