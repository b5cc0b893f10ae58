package logparse

import (
	"bytes"
	"time"
)

// Bounds of what the parser keeps.
const (
	// MaxLine is how much of a line is read, in bytes; the rest is skipped.
	MaxLine = 64 << 10
	// maxText is how much of a line a record repeats.
	maxText = 4 << 10
)

// Parser turns the bytes of one log file into records. It is not safe for
// concurrent use; use one per file.
type Parser struct {
	table *Table
	emit  func(*Record)
	rec   Record

	offset  int64  // of the next byte
	lines   int64  // line feeds seen
	start   int64  // where the line in partial begins
	partial []byte // the line that has no end yet, at most MaxLine bytes
	inLine  bool   // bytes of a line were seen and its end was not

	clock clock
	now   time.Time // of the newest record
	clean []byte    // a line without its control characters
	inner []byte    // a line that stood in a container's log
	lead  []byte    // what stands before the record that is being read
	found []find

	phase    Phase
	steps    bool // a step was seen in this run
	ended    bool // the program said that the training is over
	monitor  monitor
	known    bool // a line was one that MindSpore, mindformers or Python print
	problems problems
}

// Option changes how a Parser works.
type Option func(*Parser)

// WithTable makes the parser look for the errors of another table than that
// of [Signatures].
func WithTable(t *Table) Option { return func(p *Parser) { p.table = t } }

// NewParser returns a parser at the beginning of a file.
func NewParser(opts ...Option) *Parser {
	p := &Parser{found: make([]find, 0, 16)}
	for _, o := range opts {
		o(p)
	}
	if p.table == nil {
		p.table = Signatures()
	}
	p.problems.forget()
	return p
}

// Phase returns what the training does at the end of what was fed, by the
// log; "" before the log said anything about it.
func (p *Parser) Phase() Phase { return p.phase }

// Offset returns how many bytes were fed, by this Parser and those whose
// state it was restored from.
func (p *Parser) Offset() int64 { return p.offset }

// Feed reads the next bytes of the file and calls emit for each record that
// they complete. Chunks may be split anywhere. The Record is reused by the
// next call of emit.
func (p *Parser) Feed(chunk []byte, emit func(*Record)) {
	p.emit = emit
	cr := bytes.IndexByte(chunk, '\r') // mostly there is none: one look for many lines
	for len(chunk) > 0 {
		nl := bytes.IndexByte(chunk, '\n')
		if nl < 0 {
			p.pieces(chunk)
			break
		}
		if !p.inLine && chunk[0] != 0 && (cr < 0 || cr > nl) {
			// The usual case: a whole line, read where it lies.
			p.rec.Offset = p.offset
			p.offset += int64(nl) + 1
			p.line(limit(chunk[:nl]))
		} else {
			p.pieces(chunk[:nl])
			p.finish()
			p.offset++
		}
		p.lines++
		chunk = chunk[nl+1:]
		if cr -= nl + 1; cr < 0 && cr >= -(nl+1) {
			cr = bytes.IndexByte(chunk, '\r')
		}
	}
	p.emit = nil
}

// Flush tells that the stream has ended: a line without its end is read as it
// is, and a traceback that was still being told is reported. More may be fed
// afterwards; it begins a new line.
func (p *Parser) Flush(emit func(*Record)) {
	p.emit = emit
	if p.inLine {
		p.problems.cut = true // the line may have been cut by a crash
		p.finish()
		p.problems.cut = false
	}
	p.closeTrace()
	p.emit = nil
}

// pieces reads bytes without line feeds. A carriage return ends a line too:
// progress bars are redrawn with it, for hours without a line feed.
func (p *Parser) pieces(b []byte) {
	for len(b) > 0 {
		cr := bytes.IndexByte(b, '\r')
		piece := b
		if cr >= 0 {
			piece = b[:cr]
		}
		p.collect(piece)
		p.offset += int64(len(piece))
		if cr < 0 {
			return
		}
		p.finish()
		p.offset++
		b = b[cr+1:]
	}
}

// collect adds bytes to the line that is being read. NUL bytes before a line
// are no part of it: a crash of the machine can leave megabytes of them.
func (p *Parser) collect(piece []byte) {
	if !p.inLine {
		nuls := 0
		for nuls < len(piece) && piece[nuls] == 0 {
			nuls++
		}
		piece = piece[nuls:]
		if len(piece) == 0 {
			return
		}
		p.inLine = true
		p.start = p.offset + int64(nuls)
		p.partial = p.partial[:0]
	}
	if room := MaxLine - len(p.partial); len(piece) > room {
		piece = piece[:room]
	}
	p.partial = append(p.partial, piece...)
}

// finish reads the line that was collected.
func (p *Parser) finish() {
	if !p.inLine {
		return
	}
	p.inLine = false
	p.rec.Offset = p.start
	p.line(p.partial)
}

func limit(line []byte) []byte {
	if len(line) > MaxLine {
		return line[:MaxLine]
	}
	return line
}

// byteOrderMark is what editors of other systems put before a text in UTF-8.
var byteOrderMark = []byte("\xef\xbb\xbf")

// line reads one line, without its end.
func (p *Parser) line(b []byte) {
	if len(b) == 0 {
		p.traceText(nil, nil)
		return
	}
	if pre, ok := p.clock.parsePrefix(b); ok && p.quick(b, pre) {
		p.now = pre.time
		return
	}
	if p.rec.Offset == 0 {
		b = bytes.TrimPrefix(b, byteOrderMark)
	}
	if bytes.IndexByte(b, 0x1b) >= 0 || bytes.IndexByte(b, 0) >= 0 {
		p.clean = withoutControls(p.clean[:0], b)
		b = p.clean
		if len(b) == 0 {
			return
		}
	}
	if pre, ok := p.clock.parsePrefix(b); ok {
		p.record(b[pre.body:], pre)
		return
	}
	p.rec.Time = time.Time{}
	if bytes.HasPrefix(b, []byte(dockerHead)) {
		p.docker(b)
		return
	}
	p.text(b)
}

// quick reads the lines that a training prints most, and reports whether b
// was one of them.
func (p *Parser) quick(b []byte, pre prefix) bool {
	switch parseQuick(b[pre.body:], &p.rec.Step, &p.rec.Progress, p.problems.cut) {
	case KindStep:
		p.rec.Time = pre.time
		p.step()
		return true
	case KindProgress:
		p.rec.Time = pre.time
		p.progress()
		return true
	}
	return false
}

// parseQuick reads the message of a step or progress line, and returns which
// it is, 0 for any other. A step line that is cut is known by partial.
func parseQuick(msg []byte, s *Step, g *Progress, partial bool) Kind {
	if len(msg) == 0 {
		return 0
	}
	switch msg[0] {
	case '{', 'E', 's':
		if parseStep(msg, s, partial) {
			return KindStep
		}
	case ' ':
		if parseProgress(msg, g) {
			return KindProgress
		}
	}
	return 0
}

// step emits the step in p.rec: it ends the compile phase and any save.
func (p *Parser) step() {
	p.closeTrace()
	p.steps = true
	if p.phase != PhaseTraining {
		p.enter(PhaseTraining)
	}
	p.put(KindStep)
}

// progress emits the progress in p.rec.
func (p *Parser) progress() {
	p.closeTrace()
	p.put(KindProgress)
}

// epoch emits the epoch in p.rec.
func (p *Parser) epoch() {
	p.monitor.timed(&p.rec.Epoch)
	p.put(KindEpoch)
}

// record reads a line with a prefix that quick did not take.
func (p *Parser) record(msg []byte, pre prefix) {
	p.known = true
	p.endText()
	p.rec.Time, p.now = pre.time, pre.time
	if p.quick(msg, prefix{time: pre.time}) { // it had colours
		return
	}
	switch {
	case parseEpoch(msg, &p.rec.Epoch):
		p.epoch()
		return
	case len(msg) > 0 && msg[0]|0x20 == 'e' && p.lossMonitors(msg):
		return
	case parseState(msg, &p.rec.State):
		p.put(KindState)
		return
	case p.milestone(msg):
		return
	}
	p.recordProblem(msg, pre.level)
}

// put emits p.rec as a record of the given kind.
func (p *Parser) put(kind Kind) {
	p.known = true
	p.rec.Kind = kind
	p.rec.Line = p.lines + 1
	if p.emit != nil {
		p.emit(&p.rec)
	}
}
