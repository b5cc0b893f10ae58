package checkpoint

import (
	"regexp"
	"sync"
)

// lazily returns a regular expression that is compiled at its first use: ftctl
// links all of them, and to compile them took longer than what most verbs do.
func lazily(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}
