package logparse

import (
	"math"
	"time"
)

// FlatSteps is how many steps of a loss that does not change are no chance.
const FlatSteps = 20

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

// Flatness tells a loss that stays the same because nothing is learnt any more
// from one on a plateau. Its zero value has seen no step.
type Flatness struct {
	any  bool
	last float64 // loss, as it is printed
	at   int64   // the last step, over all epochs
	rate learningRate
	norm Number // of the last step

	// same are steps with the loss of the one before, as it is printed; still
	// are those of them in which it should have changed, and dead those that
	// show by one more sign that it is no plateau.
	same, still, dead Streak
}

// Add takes a line into account, which was read at a certain time, and returns
// how many steps it stands for.
func (f *Flatness) Add(s *Step, at time.Time) (steps int) {
	steps = 1
	before := f.at
	f.at = s.GlobalStep()
	if f.any {
		steps = int(min(max(f.at-before, 1), mostSteps))
	}
	f.rate.add(s.LR)
	if f.any && s.Loss == f.last {
		teaches := f.rate.teaches()
		f.same.Add(true, steps, at)
		f.still.Add(teaches && !f.rate.rises && coarse(s, f.norm), steps, at)
		f.dead.Add(s.Overflow == True || deadNorm(s.GlobalNorm) || teaches && digits(s, fineDigits), steps, at)
	} else if f.same.Steps > 0 {
		f.same, f.still, f.dead = Streak{}, Streak{}, Streak{}
	}
	f.any, f.last, f.norm = true, s.Loss, s.GlobalNorm
	return steps
}

// Steps reports whether a line has been seen at all.
func (f *Flatness) Steps() bool { return f.any }

// Constant reports whether the printed loss has not changed in so many steps,
// be that for whatever reason.
func (f *Flatness) Constant(steps int) bool { return f.same.Steps >= steps-1 }

// Streak returns the steps up to the last one whose loss is flat, where most is
// how many are too many.
func (f *Flatness) Streak(most int) Streak {
	s := f.dead
	if f.still.Steps+1 >= stillFactor*most && f.still.Lines+1 >= most {
		s = f.still
	}
	// The first step with that loss counts too.
	return Streak{s.Steps + 1, s.Lines + 1, s.Since}
}

// deadNorm: gradients that are no numbers, or that are all zero, change nothing.
func deadNorm(norm Number) bool {
	return norm.Known && (norm.Value == 0 || !finite(norm.Value))
}

// coarse reports whether a loss is printed so exactly that a constant one is no
// plateau if it lasts; norm is that of the step before.
func coarse(s *Step, norm Number) bool {
	return digits(s, coarseDigits) || digits(s, coarseDigits-1) && s.GlobalNorm == norm
}

// digits reports whether a loss is printed with so many significant ones.
func digits(s *Step, n float64) bool {
	decimals := 3.0
	switch s.Format {
	case FormatF5, FormatF6, FormatLossMonitor:
		decimals = 6
	}
	return math.Abs(s.Loss) >= math.Pow(10, n-1-decimals)
}

// learningRate follows the learning rate.
type learningRate struct {
	now     Number
	highest float64
	rises   bool
}

// restingShare is the share of the highest learning rate below which weights
// hardly change any more: the end of a schedule.
const restingShare = 0.01

func (r *learningRate) add(lr Number) {
	r.rises = lr.Known && r.now.Known && lr.Value > r.now.Value
	if r.now = lr; lr.Known {
		r.highest = max(r.highest, lr.Value)
	}
}

// teaches reports whether steps change the weights, as far as the learning
// rate tells. Not every release prints it.
func (r *learningRate) teaches() bool {
	return !r.now.Known || r.now.Value > restingShare*r.highest
}
