package main

import (
	"io"

	"github.com/spf13/cobra"
)

// failures collects what goes wrong with some of several things, so that the
// others are still done. All but the last are printed as they come; the last
// is the command's own error and decides the exit status.
type failures struct {
	c    *cobra.Command
	last error
}

func newFailures(c *cobra.Command) *failures { return &failures{c: c} }

func (f *failures) add(err error) {
	f.flush()
	f.last = err
}

func (f *failures) flush() {
	if f.last != nil {
		w := f.c.ErrOrStderr()
		printError(w, f.last, wantJSON(f.c), newPalette(w, noColor(f.c)))
	}
}

func (f *failures) err() error { return f.last }

// printOneOrMany prints an object for one thing and an array for several, by
// how many were asked for: a script must not get another form because one of
// them failed.
func printOneOrMany[T any](w io.Writer, things []T, asked int) error {
	switch {
	case asked != 1:
		if things == nil {
			things = []T{}
		}
		return printJSON(w, things)
	case len(things) == 1:
		return printJSON(w, things[0])
	}
	return nil
}
