package secret

import (
	"regexp"
	"sync"
)

// expression is compiled when it is first asked for: all of them take longer
// than the rest of what ftctl does before it reads its arguments.
type expression func() *regexp.Regexp

func lazily(text string) expression {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}
