package logparse

import (
	"bytes"
	"strings"
)

// groupHead begins the tree that Python 3.11 prints for an exception group:
// lines behind a margin of "|", each exception under a "+---- 1 ----", and at
// the end a line of dashes. The whole tree is one problem; what it says is its
// first exception that is no group itself.
const groupHead = "+ Exception Group " + tracebackHead

// openGroup begins a tree, or goes on with the chain that it belongs to.
func (p *Parser) openGroup(b []byte) {
	p.openTrace(false)
	t := &p.problems.trace
	t.group = groupOpen
	t.lines[len(t.lines)-1] = text(b, traceWidth)
}

// States of a tree of exceptions.
const (
	groupNone   = iota
	groupOpen   // within it
	groupClosed // a line of dashes was read; deeper trees end before others
)

// groupLine reads a line while a tree is being told.
func (p *Parser) groupLine(b []byte, found []find) {
	t := &p.problems.trace
	said := bytes.TrimLeft(b, " ")
	margin := len(said) > 0 && (said[0] == '|' || said[0] == '+')
	t.body++
	if t.body > traceRest {
		p.closeTrace() // which forgets how far it went
		p.traceText(b, found)
		return
	}
	if !margin && t.group == groupClosed {
		t.group = groupNone
		p.traceText(b, found)
		return
	}
	t.add(b)
	switch {
	case !margin: // the text of an exception goes on
		p.traceHit(b, found)
	case said[0] == '+' && len(bytes.Trim(said, "+-")) == 0:
		t.group, t.state = groupClosed, traceBody
	case said[0] == '+' || isTracebackHead(said):
		t.group, t.state = groupOpen, traceFrames
	default:
		said = bytes.TrimPrefix(said[1:], []byte(" "))
		if t.state == traceFrames && len(said) > 0 && said[0] != ' ' {
			p.groupException(said)
		}
		if t.state == traceBody {
			p.traceHit(said, found)
		}
	}
}

// groupException reads the line that ends one of the tracebacks in a tree.
func (p *Parser) groupException(b []byte) {
	t := &p.problems.trace
	t.state = traceBody
	if t.exception.sig == nil || namesGroup(t.exception.text) {
		t.exception = p.exception(b)
	}
}

// namesGroup knows "ExceptionGroup: several failed (2 sub-exceptions)".
func namesGroup(line string) bool {
	return strings.Contains(line, "ExceptionGroup: ") && strings.Contains(line, " sub-exception")
}
