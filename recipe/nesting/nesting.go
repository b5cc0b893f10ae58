// Package nesting says whether lists and maps of a YAML text lie too deep in each
// other. The parser takes memory by the square of it: 20,000 brackets, 20 KB of
// text, are 700 MB, and recipes and configs come from clients of the daemon.
package nesting

import (
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// Most is how deep they may lie.
const Most = 100

// TooDeep returns where a text lies deeper than [Most] in itself, ok if it does
// not. By indentation alone nobody gets there: each level makes every line longer.
func TooDeep(source []byte) (line, column int, ok bool) {
	brackets, dashes := 0, 0
	for _, t := range lexer.Tokenize(string(source)) {
		if t.Position.Line != line {
			line, dashes = t.Position.Line, 0
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			brackets++
		case token.SequenceEndType, token.MappingEndType:
			brackets--
		case token.SequenceEntryType, token.MappingKeyType:
			dashes++
		}
		if brackets+dashes > Most {
			return line, t.Position.Column, false
		}
	}
	return 0, 0, true
}
