package recipe

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"
)

// position is a place in a recipe file; the zero position is none.
type position struct {
	file         string
	line, column int // from 1
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
	return position{file: file, line: token.Position.Line, column: token.Position.Column}
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
