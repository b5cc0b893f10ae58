package logparse

import (
	"bytes"
	"math"
)

// lossMonitors reads what MindSpore's LossMonitor prints, and the loops of its
// tutorials: a line that begins so, or does behind the tag of an MPI launcher or a
// container's log. Processes that print into one file without a buffer (python -u)
// write a line and its end one after the other, so that one line may hold what
// several of them say.
func (p *Parser) lossMonitors(b []byte) bool {
	any := false
	for {
		at := nextEpoch(b)
		if at < 0 || !any && !tag(b[:at]) {
			return any
		}
		end, ok := parseLossMonitor(b[at:], &p.rec.Step)
		if !ok {
			return any
		}
		any = true
		p.monitor.add(&p.rec.Step)
		p.step()
		b = b[at+end:]
	}
}

// nextEpoch returns where "epoch:" is, in either case, -1 if nowhere.
func nextEpoch(b []byte) int {
	for from := 1; from < len(b); {
		i := bytes.Index(b[from:], []byte("poch:"))
		if i < 0 {
			return -1
		}
		if at := from + i - 1; b[at]|0x20 == 'e' {
			return at
		}
		from += i + 1
	}
	return -1
}

// parseLossMonitor reads "epoch: 1 step: 10, loss is 2.3" into a step, and
// returns where that ends. Loops that imitate it have a comma after the epoch,
// no space after a colon or no colon after "step".
func parseLossMonitor(b []byte, s *Step) (end int, ok bool) {
	epoch, i, ok := readInt(b, len("epoch:"))
	if !ok {
		return 0, false
	}
	if i < len(b) && b[i] == ',' {
		i++
	}
	if i = skipSpaces(b, i); i == len(b) || b[i]|0x20 != 's' || !hasAt(b, i+1, "tep") {
		return 0, false
	}
	if i += len("step"); i < len(b) && b[i] == ':' {
		i++
	}
	step, i, ok := readInt(b, i)
	if i = skipSpaces(b, i); !ok || !hasAt(b, i, ", loss is ") {
		return 0, false
	}
	i += len(", loss is ")
	end = len(b)
	if next := nextEpoch(b[i:]); next >= 0 {
		end = i + next
	}
	loss := numberIn(b[i:end])
	*s = Step{Format: FormatLossMonitor, Epoch: epoch, Step: step, Loss: loss.Value, NoLoss: !loss.Known}
	if s.NoLoss {
		s.Loss = math.NaN()
	}
	return end, true
}

// monitor learns how many steps an epoch has, which LossMonitor does not say.
type monitor struct {
	epoch, step int64 // of the newest line
	every       int64 // the steps from one line to the next
	steps       int64 // of an epoch, 0 while it is not known
	zero        int64 // 1 where the first epoch is 0, as loops of one's own may count
}

// add takes a line into account, and tells its step what an epoch has. A line
// that goes back is that of another run, or of another process that prints into
// the same file.
func (m *monitor) add(s *Step) {
	switch {
	case s.Epoch == 0 && (m.zero == 0 || m.epoch > 0):
		*m = monitor{zero: 1}
	case s.Epoch == 1 && m.epoch > 1 && m.zero == 0:
		*m = monitor{}
	case s.Epoch < m.epoch || s.Epoch == m.epoch && s.Step < m.step:
		m.every = 0
	case s.Epoch == m.epoch && s.Step > m.step:
		m.every = s.Step - m.step
	case m.steps > 0 || s.Epoch != m.epoch+1:
	case m.every > 0: // the steps go on over the end of an epoch
		m.steps = m.step + m.every - s.Step
	case m.step == s.Step: // one line an epoch, as with a dataset sink
		m.steps = m.step
	}
	m.epoch, m.step = s.Epoch, s.Step
	if m.step > m.steps {
		m.steps = 0
	}
	s.perEpoch, s.fromZero = m.steps, m.zero != 0
}

// timed learns it from TimeMonitor's line: the epoch's time over that of a step.
func (m *monitor) timed(e *Epoch) {
	if e.Eval || e.StepMS <= 0 || m.epoch == 0 && m.zero == 0 {
		return
	}
	n := math.Round(e.MS / e.StepMS)
	// Both times are rounded: with more steps than that the result is a guess.
	if n >= float64(m.step) && e.StepMS > n/1000 && n < 1e6 {
		m.steps = int64(n)
	}
}
