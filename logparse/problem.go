package logparse

import (
	"bytes"
	"hash/fnv"
	"time"
)

// problems is what the parser remembers of the errors of this run.
type problems struct {
	// seen holds the errors that were reported, with whether a traceback was
	// among what was reported: by signature, and by text for exceptions that
	// no signature knows.
	seen map[string]bool
	// trace is the traceback that is being told.
	trace trace
	// code is set while the lines are source code that an error quotes.
	code bool
	// hush is set by a line which says that the next traceback is harmless.
	hush bool
	// cut is set while the line may lack its end.
	cut bool
}

// maxSeen bounds how many different errors of one run are told.
const maxSeen = 256

// forget begins a new run.
func (p *problems) forget() { p.seen = map[string]bool{} }

// recordProblem looks for an error in the message of a record.
func (p *Parser) recordProblem(msg []byte, lv level) {
	if bytes.HasSuffix(msg, []byte(tracebackHead)) {
		p.openTrace(lv < levelError && lv != levelNone)
		p.problems.trace.lead = string(p.lead)
		return
	}
	if lv < levelWarning {
		return
	}
	p.found = p.table.matcher.scan(msg, p.found[:0])
	if sig := p.table.match(msg, p.found, lv); sig != nil {
		p.report(problem{sig, text(msg, maxText), p.lines + 1, p.rec.Offset, p.rec.Time, p.now}, nil)
	}
}

// reprint reads a line of another file that msrun repeats when a worker died.
// Its steps were that file's; its errors may be all there is.
func (p *Parser) reprint(b []byte) {
	if len(b) == 0 {
		p.traceText(nil, nil)
		return
	}
	pre, ok := p.clock.parsePrefix(b)
	if !ok {
		p.found = p.table.matcher.scan(b, p.found[:0])
		p.traceText(b, p.found)
		return
	}
	p.endText()
	p.rec.Time, p.now = pre.time, pre.time
	p.recordProblem(b[pre.body:], pre.level)
}

// endText tells that a record begins: what was said before it is complete.
func (p *Parser) endText() {
	p.problems.code = false
	if p.problems.trace.state == traceBody {
		p.closeTrace()
	}
}

// problem is an error found, before it is reported.
type problem struct {
	sig    *Signature
	text   string
	line   int64
	offset int64
	time   time.Time // of its record, if it has one
	when   time.Time // of the newest record
}

// report emits a problem, unless the log told it before.
func (p *Parser) report(found problem, traceback []string) {
	key := found.sig.ID
	if found.sig.generic {
		key += " " + hash(found.text)
	}
	traced, again := p.problems.seen[key]
	if again && (traced || traceback == nil) {
		return
	}
	if !again && len(p.problems.seen) >= maxSeen {
		return
	}
	p.problems.seen[key] = traceback != nil
	line, offset, at := p.lines, p.rec.Offset, p.rec.Time
	p.rec.Problem = Problem{Signature: found.sig, Text: found.text, Traceback: traceback, When: found.when, Again: again}
	p.rec.Offset, p.lines, p.rec.Time = found.offset, found.line-1, found.time
	p.put(KindProblem)
	p.rec.Offset, p.lines, p.rec.Time = offset, line, at
	p.rec.Problem = Problem{}
}

// hash shortens a text to something that a state can hold many of.
func hash(s string) string {
	h := fnv.New64a()
	h.Write([]byte(s))
	const digits = "0123456789abcdef"
	sum := h.Sum64()
	out := make([]byte, 16)
	for i := range out {
		out[i] = digits[sum>>60]
		sum <<= 4
	}
	return string(out)
}

// reprinted recognises "DIR/worker_1.log:46:TEXT" and "DIR/worker_1.log-47-TEXT".
func reprinted(b []byte, found []find) ([]byte, bool) {
	for _, f := range found {
		if f.word != wordGrepMatch && f.word != wordGrepContext {
			continue
		}
		sep := b[f.end-1]
		path := b[:f.end-1]
		if bytes.IndexByte(path, ' ') >= 0 {
			continue
		}
		name := path[bytes.LastIndexByte(path, '/')+1:]
		if !bytes.HasPrefix(name, []byte("worker_")) && !bytes.HasPrefix(name, []byte("scheduler")) {
			continue
		}
		if _, i, ok := readInt(b, f.end); ok && i < len(b) && b[i] == sep {
			return b[i+1:], true
		}
	}
	return nil, false
}
