package logparse

import (
	"bytes"
	"math"
)

// lossMonitors reads what MindSpore's LossMonitor prints: a line that begins
// so, or does behind the tag of an MPI launcher or a container's log. Processes
// that print into one file without a buffer (python -u) write a line and its end
// one after the other, so that one line may hold what several of them say.
func (p *Parser) lossMonitors(b []byte) bool {
	any := false
	for {
		at := bytes.Index(b, []byte("epoch: "))
		if at < 0 || !any && !tag(b[:at]) {
			return any
		}
		end, ok := parseLossMonitor(b[at:], &p.rec.Step)
		if !ok {
			return any
		}
		any = true
		p.step()
		b = b[at+end:]
	}
}

// tag reports whether this may stand before what a program prints: nothing, or
// "[1,0]<stdout>:", "[rank0]: ", "trainer-1  | ", or the time and the stream of
// a container's log.
func tag(b []byte) bool {
	b = bytes.TrimRight(b, " ")
	if len(b) == 0 {
		return true
	}
	for _, end := range []string{">:", "]:", "]", "|", " stdout F", " stderr F", "Z"} {
		if bytes.HasSuffix(b, []byte(end)) {
			return end != "Z" || len(b) > 1 && b[len(b)-2]-'0' <= 9
		}
	}
	return false
}

// parseLossMonitor reads "epoch: 1 step: 10, loss is 2.3" into a step, and
// returns where that ends.
func parseLossMonitor(b []byte, s *Step) (end int, ok bool) {
	if !hasAt(b, 0, "epoch: ") {
		return 0, false
	}
	epoch, i, ok := readInt(b, 7)
	if !ok || !hasAt(b, i, " step: ") {
		return 0, false
	}
	step, i, ok := readInt(b, i+7)
	if !ok || !hasAt(b, i, ", loss is ") {
		return 0, false
	}
	i += len(", loss is ")
	end = len(b)
	if next := bytes.Index(b[i:], []byte("epoch: ")); next >= 0 {
		end = i + next
	}
	loss := numberIn(b[i:end])
	*s = Step{Format: FormatLossMonitor, Epoch: epoch, Step: step, Loss: loss.Value, NoLoss: !loss.Known}
	if s.NoLoss {
		s.Loss = math.NaN()
	}
	return end, true
}
