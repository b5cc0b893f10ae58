package logparse

import (
	"bytes"
	"time"
)

// text reads a line that begins no record: a continuation of one, something
// printed, a traceback, another log's line.
func (p *Parser) text(b []byte) {
	p.found = p.table.matcher.scan(b, p.found[:0])
	if len(p.found) > 0 {
		if rest, ok := reprinted(b, p.found); ok {
			p.reprint(rest)
			return
		}
		if p.embedded(b) {
			return
		}
	}
	if !p.inTrace() {
		if parseEpoch(b, &p.rec.Epoch) {
			p.epoch()
			return
		}
		if p.milestone(b) {
			return
		}
	}
	p.traceText(b, p.found)
}

// embedded reads a record or a step line that stands behind a foreign prefix,
// such as the time of a container's log or the rank of an MPI launcher.
func (p *Parser) embedded(b []byte) bool {
	for _, f := range p.found {
		switch f.word {
		case wordRecord:
			at := f.end - len(structural[wordRecord]) - len("2006-01-02 15:04:05,000")
			if p.recordAt(b, at) {
				return true
			}
		case wordInfo, wordWarning, wordError, wordCritical:
			if p.recordAt(b, f.end-len(structural[f.word])) {
				return true
			}
		case wordCompile: // MS_JIT_DISPLAY_PROGRESS=1 prints it with a time of its own form
			p.enter(PhaseCompiling)
			return true
		case wordStep:
			at := f.end - len(structural[wordStep])
			if e := bytes.LastIndex(b[:at], []byte("Epoch:[")); e >= 0 {
				at = e
			}
			if at >= 2 && string(b[at-2:at]) == "{ " {
				at -= 2
			}
			// Without its time it is prose, or a line of the user's own.
			if parseStep(b[at:], &p.rec.Step, true) {
				p.step()
				return true
			}
		case wordLoss:
			if !p.inTrace() && p.lossMonitors(b) {
				return true
			}
		case wordEpochTime:
			if !p.inTrace() && p.epochBehindTag(b, f.end) {
				return true
			}
		case wordSeqLength:
			return p.setting(SettingSeqLength, b, f.end)
		case wordBatchSize:
			return p.setting(SettingBatchSize, b, f.end)
		case wordRate:
			if parseProgress(fromPercent(b[:f.end], b), &p.rec.Progress) {
				p.put(KindProgress)
				return true
			}
		}
	}
	return false
}

// epochBehindTag reads TimeMonitor's line, whose "epoch time:" ends at end.
func (p *Parser) epochBehindTag(b []byte, end int) bool {
	at := end - len("epoch time:")
	for _, mode := range []string{"Train ", "Eval "} {
		if at >= len(mode) && string(b[at-len(mode):at]) == mode {
			at -= len(mode)
		}
	}
	if at <= 0 || !tag(b[:at]) || !parseEpoch(b[at:], &p.rec.Epoch) {
		return false
	}
	p.epoch()
	return true
}

// setting reads the number of a setting at b[i:].
func (p *Parser) setting(name SettingName, b []byte, i int) bool {
	v, _, ok := readFloat(b, i)
	if ok && !p.inTrace() {
		p.rec.Time = time.Time{}
		p.rec.Setting = Setting{name, v}
		p.put(KindSetting)
	}
	return ok && !p.inTrace()
}

// recordAt reads a record that begins inside a line.
func (p *Parser) recordAt(b []byte, at int) bool {
	if at <= 0 {
		return false
	}
	pre, ok := p.clock.parsePrefix(b[at:])
	if ok {
		p.lead = b[:at]
		p.record(b[at+pre.body:], pre)
		p.lead = nil
	}
	return ok
}

// fromPercent returns b from the number of the progress bar on that head ends with.
func fromPercent(head, b []byte) []byte {
	i := bytes.Index(head, []byte("% |"))
	for i > 0 && (b[i-1] == '.' || b[i-1]-'0' <= 9) {
		i--
	}
	return b[max(i, 0):]
}
