package logparse

import (
	"bytes"
	"math"
)

// parseStep reads the message of a step line into s. A line that began as a
// step line and turns out to be none gives false. partial is set for a line
// whose end may be missing: its numbers are trusted only up to the time.
func parseStep(b []byte, s *Step, partial bool) bool {
	*s = Step{}
	i := 0
	braced := hasAt(b, 0, "{ ")
	if braced {
		i = 2
	}
	var hasStep, hasLoss, hasTime, hasMillis, hasScale, hasNorm, hasThroughput, hasExtra bool
	decimals := 0
	for i < len(b) {
		if b[i] == ' ' || b[i] == ',' {
			i++
			continue
		}
		var ok bool
		switch rest := b[i:]; {
		case !hasStep && rest[0] == 'E' && hasAt(b, i, "Epoch:["):
			if s.Epoch, s.Epochs, i, ok = readPair(b, i+7); !ok {
				return false
			}
		case !hasStep && rest[0] == 's' && hasAt(b, i, "step:["):
			if s.Step, s.Total, i, ok = readPair(b, i+6); !ok {
				return false
			}
			if i < len(b) && b[i] != ',' {
				return false // a line of TrainingStateMonitor, or prose
			}
			hasStep = true
		case !hasStep:
			return false
		case !hasLoss && hasAt(b, i, "loss:"):
			var dot int
			if i, dot, ok = readLoss(b, i+5, s); !ok {
				return false
			}
			decimals, hasLoss = dot, true
		case hasAt(b, i, "per_step_time:"):
			if s.StepMS, i, ok = readMillis(b, i+14); !ok {
				return false
			}
			hasTime = true
		case !hasTime && hasAt(b, i, "time:"):
			if s.StepMS, i, ok = readMillis(b, i+5); !ok {
				return false
			}
			hasTime, hasMillis = true, true
		case hasAt(b, i, "lr:"):
			s.LR, i = readNumber(b, i+3)
		case hasAt(b, i, "overflow cond:"):
			s.Overflow, i = readTruth(b, i+14)
		case hasAt(b, i, "loss_scale:"):
			s.LossScale, i = readNumber(b, i+11)
			hasScale = true
		case hasAt(b, i, "global_norm:"):
			s.GlobalNorm, i = readNumber(b, i+12)
			hasNorm = true
		case hasAt(b, i, "train_throughput_per_npu:"):
			s.Throughput, i = readNumber(b, i+25)
			hasThroughput = true
		case hasAt(b, i, "lm_loss:"):
			s.LMLoss, i = readNumber(b, i+8)
			hasExtra = true
		case hasAt(b, i, "load_balancing_loss:"):
			s.BalanceLoss, i = readNumber(b, i+20)
			hasExtra = true
		case hasAt(b, i, "mtp_loss:"):
			s.MTPLoss, i = readNumber(b, i+9)
			hasExtra = true
		default: // a field of a newer version, or the closing brace
			i = valueEnd(b, i)
		}
	}
	if !hasStep || !hasLoss || partial && !hasTime {
		return false
	}
	switch {
	case s.Epochs == 0:
		s.Format = FormatF6
	case hasMillis && hasScale:
		s.Format = FormatF1
	case hasMillis:
		s.Format = FormatF0
	case !braced:
		s.Format = FormatOther
	case hasExtra || hasNorm && decimals == 6:
		s.Format = FormatF5
	case hasThroughput:
		s.Format = FormatF4
	case hasNorm:
		s.Format = FormatF3
	default:
		s.Format = FormatF2
	}
	return true
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
