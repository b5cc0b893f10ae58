// Package expression holds regular expressions that are compiled when they are
// first used.
package expression

import (
	"regexp"
	"sync"
)

// Lazily returns the expression, compiled at its first use: ftctl links all of
// them, and to compile them took longer than what most verbs do.
func Lazily(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}
