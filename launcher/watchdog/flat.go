package watchdog

import (
	"math"

	"ftd/logparse"
)

// deadNorm: gradients that are no numbers, or that are all zero, change nothing.
func deadNorm(norm logparse.Number) bool {
	return norm.Known && (norm.Value == 0 || math.IsNaN(norm.Value) || math.IsInf(norm.Value, 0))
}

// fineDigits is how many significant digits of a loss never stay the same by
// chance: no two batches are so alike. Three decimals of a loss of 0.000 stay
// the same for ever once all is learnt.
const fineDigits = 6

// A loss of 2.302 stays the same only where nothing is learnt, or hardly
// anything yet: batches are not so alike either, unless each holds many millions
// of tokens and the learning rate still rises. It takes longer to be sure of
// that, stillFactor times as many steps, and a line counts for what it says
// and not for others; with less than coarseDigits the gradients must be the
// same as well, if they are known.
const (
	stillFactor  = 2
	coarseDigits = 4
)

// fine reports whether a loss is printed so exactly that a constant one is no
// plateau.
func fine(s *logparse.Step) bool { return digits(s, fineDigits) }

// coarse reports whether a loss is printed so exactly that a constant one is no
// plateau if it lasts; norm is that of the step before.
func coarse(s *logparse.Step, norm logparse.Number) bool {
	return digits(s, coarseDigits) || digits(s, coarseDigits-1) && s.GlobalNorm == norm
}

// digits reports whether a loss is printed with so many significant ones.
func digits(s *logparse.Step, n float64) bool {
	decimals := 3.0
	switch s.Format {
	case logparse.FormatF5, logparse.FormatF6, logparse.FormatLossMonitor:
		decimals = 6
	}
	return math.Abs(s.Loss) >= math.Pow(10, n-1-decimals)
}

// rate follows the learning rate.
type rate struct {
	now     logparse.Number
	highest float64
	rises   bool
}

// restingShare is the share of the highest learning rate below which weights
// hardly change any more: the end of a schedule.
const restingShare = 0.01

func (r *rate) add(lr logparse.Number) {
	r.rises = lr.Known && r.now.Known && lr.Value > r.now.Value
	if r.now = lr; lr.Known {
		r.highest = max(r.highest, lr.Value)
	}
}

// teaches reports whether steps change the weights, as far as the learning
// rate tells. Not every release prints it.
func (r *rate) teaches() bool {
	return !r.now.Known || r.now.Value > restingShare*r.highest
}
