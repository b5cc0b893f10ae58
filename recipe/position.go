package recipe

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// position is a place in a recipe file; the zero position is none.
type position struct {
	file         string
	line, column int // from 1
	// block are the lines below "|" or ">", as they are in the file.
	block string
}

func positionOf(file string, n ast.Node) position {
	token := n.GetToken()
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 && !m.IsFlowStyle {
		token = m.Values[0].Key.GetToken() // its own token is a colon
	}
	if v, ok := n.(*ast.MappingValueNode); ok {
		token = v.Key.GetToken()
	}
	if token == nil || token.Position == nil {
		return position{file: file, line: 1, column: 1}
	}
	p := position{file: file, line: token.Position.Line, column: token.Position.Column}
	if l, ok := n.(*ast.LiteralNode); ok {
		p.block = l.Value.GetToken().Origin
	}
	return p
}

// within is the position of a ${ in a text that begins here, in runes from its
// beginning. What a block of lines becomes as a text says nothing of where its
// lines are: there it is the one of the same number in the block.
func (p position) within(text string, letter int) position {
	before := string([]rune(text)[:letter])
	if p.block == "" {
		p.column += letter
		return p
	}
	at, rest := 0, p.block
	for range strings.Count(before, "${") + 1 {
		i := strings.Index(rest, "${")
		if i < 0 {
			return p
		}
		at, rest = at+i+len("${"), rest[i+len("${"):]
	}
	lines := strings.Split(p.block[:at-len("${")], "\n")
	p.line += len(lines)
	p.column = 1 + len([]rune(lines[len(lines)-1]))
	return p
}

// source is the position as FILE:LINE.
func (p position) source() string {
	if p.line == 0 {
		return ""
	}
	return fmt.Sprintf("%s:%d", p.file, p.line)
}

// invalid says what is wrong at a position.
func (p position) invalid(remedy, format string, args ...any) *Problem {
	message := fmt.Sprintf(format, args...)
	if p.line > 0 {
		message = fmt.Sprintf("%s:%d:%d: %s", p.file, p.line, p.column, message)
	}
	return &Problem{Code: CodeInvalid, Message: message, Remedy: remedy, Source: p.source()}
}
