package logparse

import (
	"bytes"
	"math"
)

// stepFields is what the fields of a step line were, besides their values.
type stepFields struct {
	braced, step, loss, time, millis, scale, norm, throughput, extra bool
	decimals                                                         int
}

// parseStep reads the message of a step line into s. A line that began as a
// step line and turns out to be none gives false. partial is set for a line
// whose end may be missing: its numbers are trusted only up to the time.
func parseStep(b []byte, s *Step, partial bool) bool {
	*s = Step{}
	var has stepFields
	i := 0
	if hasAt(b, 0, "{ ") {
		has.braced, i = true, 2
	}
	for i < len(b) {
		if b[i] == ' ' || b[i] == ',' {
			i++
			continue
		}
		var next int
		var ok bool
		if has.step {
			next, ok = readField(b, i, s, &has)
		} else {
			next, ok = readPlace(b, i, s, &has)
		}
		if !ok {
			return false
		}
		if next < 0 { // a field of a newer version, or the closing brace
			next = valueEnd(b, i)
		}
		if i = next; hasAt(b, i, ", ") {
			i += 2
		}
	}
	s.Format = has.format(s)
	return has.step && has.loss && (has.time || !partial)
}

// readPlace reads one of the fields that say which step it is.
func readPlace(b []byte, i int, s *Step, has *stepFields) (next int, ok bool) {
	switch {
	case hasAt(b, i, "step:["):
		has.step = true
		if s.Step, s.Total, i, ok = readPair(b, i+6); !ok {
			return i, false
		}
		// Without a comma it is a line of TrainingStateMonitor, or prose.
		return i, i == len(b) || b[i] == ','
	case hasAt(b, i, "Epoch:["):
		s.Epoch, s.Epochs, i, ok = readPair(b, i+7)
		return i, ok
	}
	return i, false
}

// readField reads one of the fields after the step; next is -1 for one that is
// not known.
func readField(b []byte, i int, s *Step, has *stepFields) (next int, ok bool) {
	switch b[i] {
	case 'l':
		switch {
		case hasAt(b, i, "lr:"):
			s.LR, i = readNumber(b, i+3)
			return i, true
		case hasAt(b, i, "loss:"):
			has.loss = true
			i, has.decimals, ok = readLoss(b, i+5, s)
			return i, ok
		case hasAt(b, i, "loss_scale:"):
			has.scale = true
			s.LossScale, i = readNumber(b, i+11)
			return i, true
		case hasAt(b, i, "lm_loss:"), hasAt(b, i, "lm loss:"): // with a space in r1.7.0-beta3
			has.extra = true
			s.LMLoss, i = readNumber(b, i+8)
			return i, true
		case hasAt(b, i, "load_balancing_loss:"):
			has.extra = true
			s.BalanceLoss, i = readNumber(b, i+20)
			return i, true
		}
	case 'p':
		if hasAt(b, i, "per_step_time:") {
			has.time = true
			s.StepMS, i, ok = readMillis(b, i+14)
			return i, ok
		}
	case 't':
		switch {
		case hasAt(b, i, "time:"):
			has.time, has.millis = true, true
			s.StepMS, i, ok = readMillis(b, i+5)
			return i, ok
		case hasAt(b, i, "train_throughput_per_npu:"):
			has.throughput = true
			s.Throughput, i = readNumber(b, i+25)
			return i, true
		case hasAt(b, i, "throughput:"): // so from 2.0 on
			has.throughput = true
			s.Throughput, i = readNumber(b, i+11)
			return i, true
		}
	case 'o':
		if hasAt(b, i, "overflow cond:") {
			s.Overflow, i = readTruth(b, i+14)
			return i, true
		}
	case 'g':
		if hasAt(b, i, "global_norm:") {
			has.norm = true
			s.GlobalNorm, i = readNumber(b, i+12)
			return i, true
		}
		if hasAt(b, i, "grad_norm:") { // so from 2.0 on, where NaN says that there is none and nan that it is none
			has.norm = true
			if i = skipSpaces(b, i+10); hasAt(b, i, "NaN") {
				return i + 3, true
			}
			s.GlobalNorm, i = readNumber(b, i)
			return i, true
		}
	case 'a':
		if hasAt(b, i, "aux_loss:") { // what r1.7.0-beta1 calls load_balancing_loss
			has.extra = true
			s.BalanceLoss, i = readNumber(b, i+9)
			return i, true
		}
	case 'k':
		if hasAt(b, i, "kl_loss:") {
			has.extra = true
			s.KLLoss, i = readNumber(b, i+8)
			return i, true
		}
	case 'm':
		if hasAt(b, i, "mtp_loss:") {
			has.extra = true
			s.MTPLoss, i = readNumber(b, i+9)
			return i, true
		}
		if hasAt(b, i, "mtp_1_loss:") { // from 2.0 on each depth has one
			has.extra = true
			s.MTPLoss, i = readNumber(b, i+11)
			return i, true
		}
	}
	return -1, true
}

// format is the oldest format that has these fields.
func (has *stepFields) format(s *Step) Format {
	switch {
	case s.Epochs == 0:
		return FormatF6
	case has.millis && has.scale:
		return FormatF1
	case has.millis:
		return FormatF0
	case !has.braced:
		return FormatOther
	case has.extra || has.norm && has.decimals == 6:
		return FormatF5
	case has.throughput:
		return FormatF4
	case has.norm:
		return FormatF3
	}
	return FormatF2
}

// readLoss reads "[current/mean]" or " current", and says how many decimals
// the loss was printed with. Prose in place of the number is no failure.
func readLoss(b []byte, i int, s *Step) (next, decimals int, ok bool) {
	i = skipSpaces(b, i)
	if i >= len(b) {
		return i, 0, false
	}
	if b[i] == '[' {
		start := skipSpaces(b, i+1)
		loss, after, okLoss := readFloat(b, start)
		if okLoss && after < len(b) && b[after] == '/' {
			mean, end, okMean := readFloat(b, skipSpaces(b, after+1))
			if okMean && end < len(b) && b[end] == ']' {
				s.Loss, s.MeanLoss = loss, Number{mean, true}
				return end + 1, decimalsOf(b[start:after]), true
			}
		}
	}
	end := valueEnd(b, i)
	if b[i] == '[' && (end == i+1 || b[end-1] != ']') {
		return i, 0, false // the line was cut in the middle of the field
	}
	n := numberIn(b[i:end])
	s.Loss, s.NoLoss = n.Value, !n.Known
	if s.NoLoss {
		s.Loss = math.NaN()
	}
	return end, decimalsOf(b[i:end]), true
}

// decimalsOf counts the digits after the point.
func decimalsOf(number []byte) int {
	dot := bytes.IndexByte(number, '.')
	if dot < 0 {
		return 0
	}
	n := 0
	for _, c := range number[dot+1:] {
		if c-'0' > 9 {
			break
		}
		n++
	}
	return n
}

// readMillis reads "1234ms" or "1234.567 ms"; without its unit the number
// was cut short and is not believed.
func readMillis(b []byte, i int) (v float64, next int, ok bool) {
	if v, i, ok = readFloat(b, skipSpaces(b, i)); !ok {
		return 0, i, false
	}
	i = skipSpaces(b, i)
	if !hasAt(b, i, "ms") {
		return 0, i, false
	}
	return v, i + 2, true
}

// readNumber reads a field that may hold a number, one in brackets, an array,
// None, "unavailable" or a sentence.
func readNumber(b []byte, i int) (Number, int) {
	i = skipSpaces(b, i)
	j := i
	if j < len(b) && b[j] == '[' {
		j = skipSpaces(b, j+1)
	}
	// The usual forms, without looking for the end of the field first.
	if v, after, ok := readFloat(b, j); ok {
		if j > i {
			after = skipSpaces(b, after)
			if after < len(b) && b[after] == ']' {
				after++
			}
		}
		if after < len(b) && b[after] == 'T' {
			after++
		}
		if after == len(b) || b[after] == ',' && (after+1 == len(b) || b[after+1] == ' ') {
			return Number{v, true}, after
		}
	}
	end := valueEnd(b, i)
	return numberIn(b[i:end]), end
}

// numberIn finds the number in a value: of an array the first.
func numberIn(value []byte) Number {
	i := 0
	for i < len(value) && (value[i] == '[' || value[i] == '(' || value[i] == ' ') {
		i++
	}
	v, after, ok := readFloat(value, i)
	if !ok {
		return Number{}
	}
	if after < len(value) {
		switch value[after] {
		case ' ', ',', ']', ')', '}', 'T':
		default:
			return Number{} // a word that begins like a number
		}
	}
	return Number{v, true}
}

// readTruth reads True or False, bare or in an array; of several any True counts.
func readTruth(b []byte, i int) (Tristate, int) {
	i = skipSpaces(b, i)
	if hasAt(b, i, "False,") {
		return False, i + 5
	}
	end := valueEnd(b, i)
	value := b[i:end]
	switch {
	case bytes.Contains(value, []byte("True")):
		return True, end
	case bytes.Contains(value, []byte("False")):
		return False, end
	}
	return Unknown, end
}

// valueEnd returns where the value at b[i:] ends: before a comma that is
// followed by a space and stands outside brackets.
func valueEnd(b []byte, i int) int {
	depth := 0
	for ; i < len(b); i++ {
		switch b[i] {
		case '[', '(', '{':
			depth++
		case ']', ')', '}':
			depth--
		case ',':
			if depth <= 0 && (i+1 == len(b) || b[i+1] == ' ') {
				return i
			}
		}
	}
	return len(b)
}
