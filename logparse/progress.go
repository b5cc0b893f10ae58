package logparse

import (
	"bytes"
	"math"
)

// parseProgress reads "  20.0% |bar| 3.24 samples/s/p  1 day, 2:03:04 }".
func parseProgress(b []byte, out *Progress) bool {
	percent, i, ok := readFloat(b, skipSpaces(b, 0))
	if !ok || !hasAt(b, i, "% |") {
		return false
	}
	bar := bytes.IndexByte(b[i+3:], '|')
	if bar < 0 {
		return false
	}
	rate, i, ok := readFloat(b, skipSpaces(b, i+3+bar+1))
	if !ok || !hasAt(b, i, " samples/s/p") {
		return false
	}
	left, ok := readDelta(b, skipSpaces(b, i+12))
	if !ok {
		return false
	}
	*out = Progress{percent, rate, left}
	return true
}

// readDelta reads a time span as Python prints it: "2:03:04", "1 day,
// 2:03:04", "-1 day, 23:59:30" (that is minus 30 seconds), in seconds.
func readDelta(b []byte, i int) (seconds float64, ok bool) {
	sign := 1.0
	if i < len(b) && b[i] == '-' {
		sign = -1
		i++
	}
	n, i, ok := readInt(b, i)
	if !ok {
		return 0, false
	}
	days := 0.0
	if hasAt(b, i, " day") {
		days = sign * float64(n)
		comma := bytes.Index(b[i:], []byte(", "))
		if comma < 0 {
			return 0, false
		}
		if n, i, ok = readInt(b, i+comma+2); !ok {
			return 0, false
		}
	}
	seconds = days*86400 + float64(n)*3600
	for _, unit := range [...]float64{60, 1} {
		if i >= len(b) || b[i] != ':' {
			return 0, false
		}
		if n, i, ok = readInt(b, i+1); !ok {
			return 0, false
		}
		seconds += float64(n) * unit
	}
	if i < len(b) && b[i] == '.' {
		if frac, _, ok := readFloat(b, i); ok {
			seconds += frac
		}
	}
	return seconds, true
}

// parseEpoch reads the line that mindformers r0.2 to r0.6 and MindSpore's
// TimeMonitor print at the end of an epoch or a sink.
func parseEpoch(b []byte, out *Epoch) bool {
	i := skipSpaces(b, 0)
	if i == len(b) || b[i] != 'E' && b[i] != 'P' && b[i] != 'T' && b[i] != 'e' {
		return false
	}
	*out = Epoch{MeanLoss: math.NaN()}
	switch {
	case hasAt(b, i, "Epoch time:"):
		i += 11
	case hasAt(b, i, "Per sink_size step time:"):
		i += 24
	case hasAt(b, i, "Train epoch time:"):
		i += 17
	case hasAt(b, i, "Eval epoch time:"):
		i += 16
		out.Eval = true
	case hasAt(b, i, "epoch time:"):
		i += 11
	case hasAt(b, i, "Epoch "):
		return parseEpochFinished(b, i+6, out)
	default:
		return false
	}
	var ok bool
	if out.MS, i, ok = readMillis(b, i); !ok || !hasAt(b, i, ", per step time:") {
		return false
	}
	if out.StepMS, i, ok = readMillis(b, i+16); !ok {
		return false
	}
	if hasAt(b, i, ", avg loss:") {
		if out.MeanLoss, _, ok = readFloat(b, skipSpaces(b, i+11)); !ok {
			out.MeanLoss = math.NaN()
		}
	}
	return true
}

// parseEpochFinished reads "1 finished. Time: 12.34s" of master's pynative mode.
func parseEpochFinished(b []byte, i int, out *Epoch) bool {
	const words = " finished. Time: "
	_, i, ok := readFloat(b, i)
	if !ok || !hasAt(b, i, words) {
		return false
	}
	seconds, i, ok := readFloat(b, i+len(words))
	out.MS = seconds * 1000
	return ok && hasAt(b, i, "s")
}

// parseState reads "Epoch:[  1/  2], step:[   10/   25] TAG: VALUE" of the
// TrainingStateMonitor.
func parseState(b []byte, out *State) bool {
	*out = State{}
	i := 0
	var ok bool
	if hasAt(b, i, "Epoch:[") {
		if out.Epoch, out.Epochs, i, ok = readPair(b, i+7); !ok || !hasAt(b, i, ", ") {
			return false
		}
		i += 2
	}
	if !hasAt(b, i, "step:[") {
		return false
	}
	if out.Step, out.Total, i, ok = readPair(b, i+6); !ok || !hasAt(b, i, " ") {
		return false
	}
	rest := b[i+1:]
	colon := bytes.Index(rest, []byte(": "))
	if colon <= 0 || bytes.IndexByte(rest[:colon], ' ') >= 0 {
		return false
	}
	out.Tag, out.Value = text(rest[:colon], maxText), text(rest[colon+2:], maxText)
	return true
}
