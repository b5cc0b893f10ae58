package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

// palette colours words, or leaves them alone: its zero value does.
type palette struct{ on bool }

// newPalette colours only what a person sees: on a terminal that can, unless
// the person does not want it (https://no-color.org).
func newPalette(w io.Writer, never bool) palette {
	return palette{on: !never && os.Getenv("NO_COLOR") == "" && isTerminal(w)}
}

func (p palette) red(s string) string    { return p.paint("31", s) }
func (p palette) green(s string) string  { return p.paint("32", s) }
func (p palette) yellow(s string) string { return p.paint("33", s) }
func (p palette) dim(s string) string    { return p.paint("2", s) }
func (p palette) bold(s string) string   { return p.paint("1", s) }

func (p palette) paint(code, s string) string {
	if !p.on || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// isTerminal says whether w is a terminal that understands more than lines.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}

// terminalWidth returns the columns of the terminal behind w, 80 where there
// is none or it does not say.
func terminalWidth(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return 80
}
