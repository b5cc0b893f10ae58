package watchdog

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"ftd/logparse"
)

// numbers judges what one rank says of its steps.
type numbers struct {
	settings Settings
	weights  weights
	losses   int
	last     float64 // loss, as it is printed
	at       int64   // the last step, over all epochs
	rate     rate
	norm     logparse.Number // of the last step
	spike    spike

	// Series of bad steps up to the newest one.
	nonfinite, floor series
	// same are steps with the loss of the one before, as it is printed; still
	// are those of them in which it should have changed, and dead those that
	// show by one more sign that it is no plateau.
	same, still, dead series
	overflow          window
}

// With a dataset sink, or less talk (per_print_times), a line stands for the
// steps since the one before it. One line proves little of those it does not
// tell of, so it counts for mostSteps at most, and fewLines are no series yet.
const (
	mostSteps = 10
	fewLines  = 4
)

// stands is how many steps a line stands for.
func (n *numbers) stands(s *logparse.Step) int {
	before := n.at
	if n.at = s.GlobalStep(); n.losses == 0 {
		return 1
	}
	return int(min(max(n.at-before, 1), mostSteps))
}

func newNumbers(s Settings) *numbers {
	return &numbers{settings: s, spike: spike{setting: s[Spike]}}
}

func (n *numbers) step(s *logparse.Step, at time.Time) {
	steps := n.stands(s)
	overflow := s.Overflow == logparse.True
	finite := !math.IsNaN(s.Loss) && !math.IsInf(s.Loss, 0)
	same := n.losses > 0 && s.Loss == n.last
	n.rate.add(s.LR)
	n.same.add(same, steps, at)
	n.still.add(same && n.rate.teaches() && !n.rate.rises && coarse(s, n.norm), steps, at)
	n.dead.add(same && (overflow || deadNorm(s.GlobalNorm) || n.rate.teaches() && fine(s)), steps, at)
	// A step that overflows is left out by the optimizer, and a loss scale
	// that is still too large makes a series of them: the next two judge it.
	if !overflow || finite {
		n.nonfinite.add(!finite, steps, at)
	}
	of := n.settings[Overflow].Of
	n.overflow.add(overflow, min(steps, max(of/fewLines, 1)), of, at)
	n.floor.add(overflow && s.LossScale.Known && s.LossScale.Value <= 1, steps, at)
	n.spike.add(s, finite && !overflow, at)
	n.losses++
	n.last, n.norm = s.Loss, s.GlobalNorm
}

// constant reports whether the printed loss does not change.
func (n *numbers) constant() bool { return n.same.count >= n.settings[Flat].Steps-1 }

// series returns the bad steps that a watchdog counts now, and how many are too
// many.
func (n *numbers) series(name Name) (s series, most int) {
	most = n.settings[name].Steps
	switch name {
	case NonFinite:
		return n.nonfinite, most
	case Overflow:
		return series{n.overflow.count, n.overflow.count, n.overflow.since}, most
	case LossScale:
		return n.floor, most
	case Flat:
		s = n.dead
		if n.still.count+1 >= stillFactor*most && n.still.lines+1 >= most {
			s = n.still
		}
		// The first step with that loss counts too.
		return series{s.count + 1, s.lines + 1, s.since}, most
	default:
		return n.spike.high, most
	}
}

// bad reports whether a watchdog finds something now. It is asked after every
// step, and words are made only when it does.
func (n *numbers) bad(name Name) bool {
	s, most := n.series(name)
	return s.count > 0 && s.count >= most && s.lines >= min(most, fewLines)
}

func (n *numbers) verdict(name Name) Verdict {
	s, _ := n.series(name)
	loss := strconv.FormatFloat(n.last, 'g', -1, 64)
	v := Verdict{Watchdog: name, Error: name != Spike, Since: s.since}
	v.Evidence.Loss, v.Evidence.Steps = loss, s.count
	switch name {
	case NonFinite:
		v.Message = fmt.Sprintf("the loss is %s in %d steps in a row", loss, s.count)
	case Overflow:
		v.Message = fmt.Sprintf("%d of the last %d steps overflow: they do not change the weights", s.count, len(n.overflow.bad))
	case LossScale:
		v.Message = fmt.Sprintf("the loss scale is at 1, and all of the last %d steps overflow: they do not change the weights", s.count)
	case Flat:
		v.Message = fmt.Sprintf("the loss is %s, to the last digit, in %d steps in a row: nothing is learnt", loss, s.count)
	case Spike:
		v.Message = fmt.Sprintf("the loss is %s in the last of %d steps in a row that are far above the usual %.4g", loss, s.count, n.spike.usual)
	}
	return v
}
