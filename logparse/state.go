package logparse

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// stateVersion is the version of the serialised state. A state of another
// version is refused: the file can be read again from its beginning.
const stateVersion = 1

// savedState is what State writes: all that the parser knows between two
// chunks, in a form that other versions of the program can tell apart.
type savedState struct {
	Version int             `json:"v"`
	Offset  int64           `json:"offset"`
	Lines   int64           `json:"lines"`
	Start   int64           `json:"start,omitempty"`
	Partial []byte          `json:"partial,omitempty"`
	InLine  bool            `json:"in_line,omitempty"`
	Now     time.Time       `json:"now"`
	Phase   Phase           `json:"phase,omitempty"`
	Steps   bool            `json:"steps,omitempty"`
	Ended   bool            `json:"ended,omitempty"`
	Code    bool            `json:"code,omitempty"`
	Hush    bool            `json:"hush,omitempty"`
	Seen    map[string]bool `json:"seen,omitempty"`
	Trace   *savedTrace     `json:"trace,omitempty"`
	Monitor *[5]int64       `json:"monitor,omitempty"`
}

type savedTrace struct {
	State     int          `json:"state"`
	Quiet     bool         `json:"quiet,omitempty"`
	Link      int          `json:"link,omitempty"`
	Lines     []string     `json:"lines,omitempty"`
	Dropped   int          `json:"dropped,omitempty"`
	Body      int          `json:"body,omitempty"`
	Open      bool         `json:"open,omitempty"`
	Lead      string       `json:"lead,omitempty"`
	Group     int          `json:"group,omitempty"`
	Hit       savedProblem `json:"hit"`
	Exception savedProblem `json:"exception"`
}

type savedProblem struct {
	ID     string    `json:"id,omitempty"`
	Text   string    `json:"text,omitempty"`
	Line   int64     `json:"line,omitempty"`
	Offset int64     `json:"offset,omitempty"`
	When   time.Time `json:"when"`
}

func (p problem) save() savedProblem {
	if p.sig == nil {
		return savedProblem{}
	}
	return savedProblem{p.sig.ID, p.text, p.line, p.offset, p.when}
}

func (s savedProblem) load(t *Table) problem {
	sig := t.Lookup(s.ID)
	if sig == nil { // nothing was found, or the row is gone from the table
		return problem{}
	}
	return problem{sig: sig, text: s.Text, line: s.Line, offset: s.Offset, when: s.When}
}

// State returns all that the parser knows, so that another one can go on
// where it is. It is at most a few hundred bytes between lines, at most about
// 200 KiB in the middle of the longest line and traceback.
func (p *Parser) State() ([]byte, error) {
	s := savedState{
		Version: stateVersion, Offset: p.offset, Lines: p.lines, InLine: p.inLine,
		Now: p.now, Phase: p.phase, Steps: p.steps, Ended: p.ended,
		Code: p.problems.code, Hush: p.problems.hush, Seen: p.problems.seen,
	}
	if p.inLine {
		s.Start, s.Partial = p.start, p.partial
	}
	if m := p.monitor; m != (monitor{}) {
		s.Monitor = &[5]int64{m.epoch, m.step, m.every, m.steps, m.zero}
	}
	if t := p.problems.trace; t.state != traceNone {
		s.Trace = &savedTrace{t.state, t.quiet, t.link, t.lines, t.dropped, t.body, t.open, t.lead, t.group, t.hit.save(), t.exception.save()}
	}
	return json.Marshal(s)
}

// Restore puts the parser where another one was when its State was taken. The
// next byte to feed is that at [Parser.Offset]. An empty state is that of a
// new parser. After an error the parser is unchanged.
func (p *Parser) Restore(state []byte) error {
	s := savedState{Version: stateVersion}
	if len(state) > 0 {
		if err := json.Unmarshal(state, &s); err != nil {
			return fmt.Errorf("state of a log parser: %w", err)
		}
	}
	if err := s.check(); err != nil {
		return fmt.Errorf("state of a log parser: %w", err)
	}
	p.offset, p.lines, p.start, p.inLine = s.Offset, s.Lines, s.Start, s.InLine
	p.partial = append(p.partial[:0], s.Partial...)
	p.now = s.Now
	p.phase, p.steps, p.ended = s.Phase, s.Steps, s.Ended
	p.monitor = monitor{}
	if m := s.Monitor; m != nil {
		p.monitor = monitor{m[0], m[1], m[2], m[3], m[4]}
	}
	p.problems = problems{code: s.Code, hush: s.Hush, seen: s.Seen}
	if s.Seen == nil {
		p.problems.forget()
	}
	if t := s.Trace; t != nil {
		p.problems.trace = trace{t.State, t.Quiet, t.Link, t.Lines, t.Dropped, t.Body,
			t.Hit.load(p.table), t.Exception.load(p.table), t.Open, t.Lead, t.Group}
	}
	return nil
}

// check refuses what State cannot have written.
func (s *savedState) check() error {
	switch {
	case s.Version != stateVersion:
		return fmt.Errorf("version %d, this program reads version %d", s.Version, stateVersion)
	case s.Offset < 0 || s.Lines < 0 || s.Start < 0 || s.Start > s.Offset:
		return fmt.Errorf("a position is out of range")
	case len(s.Partial) > MaxLine || !s.InLine && len(s.Partial) > 0:
		return fmt.Errorf("the unfinished line is out of range")
	case len(s.Seen) > maxSeen:
		return fmt.Errorf("too many errors")
	case s.Monitor != nil && slices.Min(s.Monitor[:]) < 0:
		return fmt.Errorf("a step is out of range")
	}
	if t := s.Trace; t != nil {
		if t.State != traceFrames && t.State != traceBody || t.Link < linkNone || t.Link > linkInside ||
			t.Group < groupNone || t.Group > groupClosed ||
			len(t.Lines) > traceLines || t.Dropped < 0 || t.Body < 0 || t.Body > traceRest {
			return fmt.Errorf("the traceback is out of range")
		}
	}
	return nil
}
