package logparse

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

const tracebackHead = "Traceback (most recent call last):"

// Bounds of a traceback that is kept: of a longer one the middle goes.
const (
	traceLines = 160
	traceFirst = 40
	traceWidth = 400
	// traceRest is how many lines after the exception's own are still taken
	// for its text.
	traceRest = 400
)

// States of a trace.
const (
	traceNone   = iota
	traceFrames // between "Traceback" and the exception
	traceBody   // the exception's line was read; more of its text may follow
)

// How an exception hangs together with the one before it.
const (
	linkNone   = iota
	linkDuring // raised while the other one was being handled
	linkCause  // raised "from" the other one
	linkInside // its traceback is part of the other one's text
)

// trace is a chain of exceptions while it is being told.
type trace struct {
	state   int
	quiet   bool // the program says that it does not matter
	link    int
	lines   []string
	dropped int
	body    int // lines since the exception's own
	// hit is the error signature found in the chain's texts.
	hit problem
	// exception is what is reported when there is none: the exception that
	// says most.
	exception problem
	// open is set while the exception's line says nothing and the next line
	// that does is to be added.
	open bool
	// lead is what a launcher put before each line, such as "[1,0]<stderr>:".
	lead string
	// group says where in a tree of exceptions the lines are.
	group int
}

func (p *Parser) inTrace() bool { return p.problems.trace.state != traceNone }

// openTrace begins a traceback, or goes on with the chain that it belongs to.
func (p *Parser) openTrace(quiet bool) {
	t := &p.problems.trace
	if t.state == traceBody && t.link == linkNone {
		p.closeTrace()
	}
	if t.state == traceNone {
		t.quiet = quiet || p.problems.hush
		p.problems.hush = false
	}
	if t.state == traceFrames { // cut off, or two processes that write to one file
		t.lines, t.dropped = nil, 0
	}
	t.state = traceFrames
	p.problems.code = false
	t.add([]byte(tracebackHead))
}

// traceText reads a line without a prefix, with the words found in it.
func (p *Parser) traceText(b []byte, found []find) {
	t := &p.problems.trace
	if t.group != groupNone {
		p.groupLine(b, found)
		return
	}
	if bytes.HasSuffix(b, []byte(groupHead)) && len(bytes.TrimLeft(b, " ")) == len(groupHead) {
		p.openGroup(b)
		return
	}
	if t.link == linkInside && bytes.HasSuffix(b, []byte(tracebackHead)) {
		p.openTrace(false)
		t.lines[len(t.lines)-1] = text(b, traceWidth) // it may begin with what failed
		return
	}
	if isTracebackHead(b) {
		p.openTrace(false)
		t.lead = string(b[:len(b)-len(tracebackHead)])
		return
	}
	b = t.unled(b)
	switch t.state {
	case traceFrames:
		t.add(b)
		if len(b) > 0 && b[0] != ' ' && b[0] != '\t' {
			p.exceptionLine(b, found)
		}
	case traceBody:
		p.bodyLine(b, found)
	default:
		p.looseText(b, found)
	}
}

// unled removes from a line what a launcher put before it: the same as before
// the first line, but for the numbers, which are a time or those of a rank.
func (t *trace) unled(b []byte) []byte {
	i := 0
	for j := 0; j < len(t.lead); {
		if i == len(b) { // an empty line, of which the spaces at the end are gone
			if strings.TrimRight(t.lead[j:], " ") == "" {
				return nil
			}
			return b
		}
		if b[i]-'0' <= 9 && t.lead[j]-'0' <= 9 {
			for i < len(b) && b[i]-'0' <= 9 {
				i++
			}
			for j < len(t.lead) && t.lead[j]-'0' <= 9 {
				j++
			}
			continue
		}
		if b[i] != t.lead[j] {
			return b
		}
		i++
		j++
	}
	return b[i:]
}

// maxLead is the longest text that a launcher may put before a line: the time of
// a container's log, its stream and the names of a pod.
const maxLead = 100

// isTracebackHead also knows the heads that Python 3.11 indents for exception
// groups.
func isTracebackHead(b []byte) bool {
	lead, ok := bytes.CutSuffix(b, []byte(tracebackHead))
	return ok && len(lead) <= maxLead && bytes.IndexByte(lead, '"') < 0
}

// looseText looks for errors in text that belongs to nothing.
func (p *Parser) looseText(b []byte, found []find) {
	if bytes.HasPrefix(b, []byte("Exception ignored in")) || bytes.HasPrefix(b, []byte("--- Logging error ---")) {
		p.problems.hush = true
		return
	}
	if bytes.HasPrefix(b, []byte("SyntaxError: ")) || bytes.HasPrefix(b, []byte("IndentationError: ")) {
		// Of a script that Python cannot even read it prints no traceback.
		p.report(p.exception(b), nil)
		return
	}
	if p.quoted(b) || len(found) == 0 && !cannCode(b) {
		return
	}
	if sig := p.table.match(b, found, levelNone); sig != nil {
		p.report(problem{sig, text(b, maxText), p.lines + 1, p.rec.Offset, time.Time{}, p.now}, nil)
	}
}

// quoted reports whether b is source code that an error quotes: the words in
// it are the program's, not the error's.
func (p *Parser) quoted(b []byte) bool {
	if len(b) > 0 && (b[0] == '-' || b[0] == 'T') {
		if bytes.HasPrefix(b, []byte("- The Traceback of Net Construct Code")) ||
			bytes.HasPrefix(b, []byte("The function call stack")) {
			p.problems.code = true
		} else if b[0] == '-' && !bytes.HasPrefix(b, []byte("---")) {
			p.problems.code = false
		}
	}
	return p.problems.code
}

// exceptionLine reads the line that ends a traceback.
func (p *Parser) exceptionLine(b []byte, found []find) {
	t := &p.problems.trace
	now := p.exception(b)
	if t.exception.sig == nil || !keepsFirst(t.exception.text, now.text, t.link) {
		t.exception = now
		t.open = saysNothing(message(now.text))
	}
	t.state, t.link, t.body = traceBody, linkNone, 0
	p.traceHit(b, found)
}

// exception is the problem that the exception in the line b is.
func (p *Parser) exception(b []byte) problem {
	return problem{p.table.exception, text(b, maxText), p.lines + 1, p.rec.Offset, time.Time{}, p.now}
}

// keepsFirst decides which of two linked exceptions tells what is wrong: the
// cause, when the second was raised from it or only repeats it; else the
// second, which ended the program, or of which the first one tells.
func keepsFirst(first, second string, link int) bool {
	if link == linkCause {
		return true
	}
	if link == linkInside { // a function of the dataset raised it
		return false
	}
	m := message(first)
	return !saysNothing(m) && strings.Contains(second, m)
}

// message is the text of an exception's line after its class.
func message(line string) string {
	_, after, ok := strings.Cut(line, ":")
	if !ok {
		return ""
	}
	return strings.TrimSpace(after)
}

// saysNothing knows the messages with which MindSpore refers to the text
// below them.
func saysNothing(message string) bool {
	return message == "" || message == "Syntax error." || strings.Contains(message, "Refer to 'Dataset Pipeline Error Message'")
}

// bodyLine reads what follows an exception's line.
func (p *Parser) bodyLine(b []byte, found []find) {
	t := &p.problems.trace
	switch {
	case bytes.HasPrefix(b, []byte("During handling of the above exception")):
		t.link = linkDuring
	case bytes.HasPrefix(b, []byte("The above exception was the direct cause")):
		t.link = linkCause
	case bytes.HasPrefix(b, []byte("- Python Call Stack:")):
		t.link = linkInside
	case t.link == linkInside && bytes.HasPrefix(b, []byte("- ")):
		t.link = linkNone
	case bytes.HasPrefix(b, []byte("Exception ignored in")), bytes.HasPrefix(b, []byte("--- Logging error ---")):
		p.closeTrace()
		p.problems.hush = true
		return
	}
	if t.body++; t.body > traceRest {
		p.closeTrace()
		p.looseText(b, found)
		return
	}
	t.add(b)
	if p.quoted(b) || len(b) == 0 {
		return
	}
	if t.open && b[0] != '-' && b[0] != ' ' {
		t.open = false
		said := strings.TrimPrefix(text(b, maxText), "[ERROR] ")
		t.exception.text = strings.TrimSpace(t.exception.text) + " " + said
	}
	p.traceHit(b, found)
}

// traceHit looks for an error signature in a line of an exception's text. The
// first one counts, but one that is only a consequence gives way to any other
// and to a consequence that says more. A title gives way to what is below it.
func (p *Parser) traceHit(b []byte, found []find) {
	t := &p.problems.trace
	sig := p.table.match(b, found, levelNone)
	if sig == nil {
		return
	}
	if old := t.hit.sig; old != nil && (old != sig || !strings.HasPrefix(t.hit.text, "- ")) &&
		(!old.Secondary || sig.Secondary && (sig.Vague || !old.Vague)) {
		return
	}
	t.hit = problem{sig, strings.TrimPrefix(text(b, maxText), "[ERROR] "), p.lines + 1, p.rec.Offset, time.Time{}, p.now}
}

// closeTrace reports the chain that was told.
func (p *Parser) closeTrace() {
	t := p.problems.trace
	if t.state == traceNone {
		return
	}
	p.problems.trace = trace{}
	if t.quiet {
		return
	}
	found := t.hit
	if found.sig == nil {
		found = t.exception
	}
	if found.sig != nil { // else it was cut off before the exception
		p.report(found, t.all())
	}
}

// add keeps a line of the traceback.
func (t *trace) add(b []byte) {
	if len(t.lines) >= traceLines {
		copy(t.lines[traceFirst:], t.lines[traceFirst+1:])
		t.lines = t.lines[:len(t.lines)-1]
		t.dropped++
	}
	t.lines = append(t.lines, text(b, traceWidth))
}

// all returns the lines, with a note in place of those that were dropped and
// without empty ones at the end.
func (t *trace) all() []string {
	lines := t.lines
	for len(lines) > 0 && strings.TrimSpace(lines[len(lines)-1]) == "" {
		lines = lines[:len(lines)-1]
	}
	if t.dropped == 0 || len(lines) <= traceFirst {
		return lines
	}
	out := make([]string, 0, len(lines)+1)
	out = append(out, lines[:traceFirst]...)
	out = append(out, "  … "+strconv.Itoa(t.dropped)+" lines left out")
	return append(out, lines[traceFirst:]...)
}
