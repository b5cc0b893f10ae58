package checkpoint

import (
	"bytes"
	"io"
	"slices"
	"unicode/utf8"
)

// tokenGuard passes a JSON text on as long as it is UTF-8, which the decoder
// would otherwise mend without a word, and no string, number or gap in it is
// longer than maxToken, which the decoder would take into memory whole.
type tokenGuard struct {
	r     io.Reader
	read  int64
	run   int // of a string or a number
	gap   int // of blanks between them
	quote bool
	skip  bool   // the character after a backslash
	half  []byte // of a character, at the end of the last read
	err   error  // what was found: the decoder asks again after an error
}

func (g *tokenGuard) Read(p []byte) (int, error) {
	if g.err != nil {
		return 0, g.err
	}
	n, err := g.r.Read(p)
	g.read += int64(n)
	if g.err = g.check(p[:n]); g.err != nil {
		return 0, g.err
	}
	return n, err
}

func (g *tokenGuard) check(p []byte) error {
	if !g.utf8(p) {
		return damagef("its header is not UTF-8")
	}
	for _, b := range p {
		switch {
		case g.skip:
			g.skip = false
		case b == '\\':
			g.skip = g.quote
		case b == '"':
			g.quote = !g.quote
			g.run = 0
		case g.quote:
		case bytes.IndexByte([]byte(" \t\r\n"), b) >= 0:
			g.run = 0
			if g.gap++; g.gap > maxToken {
				return damagef("its header holds more than %d blanks in a row", maxToken)
			}
			continue
		case bytes.IndexByte([]byte("{}[]:,"), b) >= 0:
			g.run, g.gap = 0, 0
			continue
		}
		g.gap = 0
		if g.run++; g.run > maxToken {
			return damagef("its header holds a name or number of more than %d bytes", maxToken)
		}
	}
	return nil
}

// utf8 says whether b goes on with UTF-8.
func (g *tokenGuard) utf8(b []byte) bool {
	if len(g.half) > 0 {
		b = slices.Concat(g.half, b)
	}
	end := len(b)
	for i := end - 1; i >= 0 && i >= end-utf8.UTFMax; i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) {
				end = i
			}
			break
		}
	}
	g.half = slices.Clone(b[end:])
	return utf8.Valid(b[:end])
}
