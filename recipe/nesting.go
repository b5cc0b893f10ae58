package recipe

import (
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// maxNesting is how deep lists and maps of a recipe may lie in each other. The
// parser takes memory by the square of it: 20,000 brackets, 20 KB of text, are
// 700 MB, and recipes come from clients of the daemon.
const maxNesting = 100

// nested says where a recipe lies too deep in itself, nil if it does not. By
// indentation alone nobody gets there: each level makes every line longer.
func nested(file string, source []byte) *Problem {
	brackets, dashes, line := 0, 0, 0
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
		if brackets+dashes > maxNesting {
			return position{file, line, t.Position.Column}.invalid("write it with fewer brackets", "lists and maps lie more than %d deep in each other", maxNesting)
		}
	}
	return nil
}
