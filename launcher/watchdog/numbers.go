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
	flat     logparse.Flatness
	last     float64 // loss, as it is printed
	spike    spike

	// Series of bad steps up to the newest one.
	nonfinite, floor logparse.Streak
	overflow         window
}

func newNumbers(s Settings) *numbers {
	return &numbers{settings: s, spike: spike{setting: s[Spike]}}
}

func (n *numbers) step(s *logparse.Step, at time.Time) {
	steps := n.flat.Add(s, at)
	overflow := s.Overflow == logparse.True
	finite := !math.IsNaN(s.Loss) && !math.IsInf(s.Loss, 0)
	// A step that overflows is left out by the optimizer, and a loss scale
	// that is still too large makes a series of them: the next two judge it.
	if !overflow || finite {
		n.nonfinite.Add(!finite, steps, at)
	}
	of := n.settings[Overflow].Of
	n.overflow.add(overflow, min(steps, max(of/logparse.FewLines, 1)), of, at)
	n.floor.Add(overflow && s.LossScale.Known && s.LossScale.Value <= 1, steps, at)
	n.spike.add(s, finite && !overflow, at)
	n.last = s.Loss
}

// constant reports whether the printed loss does not change.
func (n *numbers) constant() bool { return n.flat.Constant(n.settings[Flat].Steps) }

// series returns the bad steps that a watchdog counts now, and how many are too
// many.
func (n *numbers) series(name Name) (s logparse.Streak, most int) {
	most = n.settings[name].Steps
	switch name {
	case NonFinite:
		return n.nonfinite, most
	case Overflow:
		return logparse.Streak{Steps: n.overflow.count, Lines: n.overflow.count, Since: n.overflow.since}, most
	case LossScale:
		return n.floor, most
	case Flat:
		return n.flat.Streak(most), most
	default:
		return n.spike.high, most
	}
}

// bad reports whether a watchdog finds something now. It is asked after every
// step, and words are made only when it does.
func (n *numbers) bad(name Name) bool {
	s, most := n.series(name)
	return s.Reaches(most)
}

func (n *numbers) verdict(name Name) Verdict {
	s, _ := n.series(name)
	loss := strconv.FormatFloat(n.last, 'g', -1, 64)
	v := Verdict{Watchdog: name, Error: name != Spike, Since: s.Since}
	v.Evidence.Loss, v.Evidence.Steps = loss, s.Steps
	switch name {
	case NonFinite:
		v.Message = fmt.Sprintf("the loss is %s in %d steps in a row", loss, s.Steps)
	case Overflow:
		v.Message = fmt.Sprintf("%d of the last %d steps overflow: they do not change the weights", s.Steps, len(n.overflow.bad))
	case LossScale:
		v.Message = fmt.Sprintf("the loss scale is at 1, and all of the last %d steps overflow: they do not change the weights", s.Steps)
	case Flat:
		v.Message = fmt.Sprintf("the loss is %s, to the last digit, in %d steps in a row: nothing is learnt", loss, s.Steps)
	case Spike:
		v.Message = fmt.Sprintf("the loss is %s in the last of %d steps in a row that are far above the usual %.4g", loss, s.Steps, n.spike.usual)
	}
	return v
}
