package watchdog

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"ftd/logparse"
)

// numbers judges what one rank says of its steps.
type numbers struct {
	settings Settings
	weights  weights
	losses   int
	last     float64
	spike    spike

	// Series of bad steps up to the newest one.
	nonfinite, floor, same series
	overflow               window
}

// series counts bad steps in a row.
type series struct {
	count int
	since time.Time
}

func (s *series) add(bad bool, at time.Time) {
	if !bad {
		*s = series{}
		return
	}
	if s.count == 0 {
		s.since = at
	}
	s.count++
}

// window counts bad steps among the last ones.
type window struct {
	bad   []bool
	count int
	since time.Time // the first bad one of a window that had none before
}

func (w *window) add(bad bool, of int, at time.Time) {
	if len(w.bad) >= of {
		if w.bad[0] {
			w.count--
		}
		w.bad = w.bad[1:]
	}
	if bad && w.count == 0 {
		w.since = at
	}
	if w.bad = append(w.bad, bad); bad {
		w.count++
	}
}

func newNumbers(s Settings) *numbers {
	return &numbers{settings: s, spike: spike{setting: s[Spike]}}
}

func (n *numbers) step(s *logparse.Step, at time.Time) {
	overflow := s.Overflow == logparse.True
	finite := !math.IsNaN(s.Loss) && !math.IsInf(s.Loss, 0)
	n.same.add(n.losses > 0 && s.Loss == n.last, at)
	// A step that overflows is left out by the optimizer, and a loss scale
	// that is still too large makes a series of them: the next two judge it.
	if !overflow || finite {
		n.nonfinite.add(!finite, at)
	}
	n.overflow.add(overflow, n.settings[Overflow].Of, at)
	n.floor.add(overflow && s.LossScale.Known && s.LossScale.Value <= 1, at)
	n.spike.add(s.Loss, finite && !overflow, at)
	n.losses++
	n.last = s.Loss
}

func (n *numbers) flat() bool { return n.same.count >= n.settings[Flat].Steps-1 }

// verdicts returns one verdict for each watchdog that judges numbers;
// Evidence.Steps is 0 where all is well.
func (n *numbers) verdicts() []Verdict {
	loss := strconv.FormatFloat(n.last, 'g', -1, 64)
	verdict := func(name Name, bad bool, isError bool, s series, format string, args ...any) Verdict {
		v := Verdict{Watchdog: name, Error: isError, Since: s.since, Message: fmt.Sprintf(format, args...)}
		if v.Evidence.Loss = loss; bad {
			v.Evidence.Steps = s.count
		}
		return v
	}
	over := series{n.overflow.count, n.overflow.since}
	same := series{n.same.count + 1, n.same.since}
	return []Verdict{
		verdict(NonFinite, n.nonfinite.count >= n.settings[NonFinite].Steps, true, n.nonfinite,
			"the loss is %s in %d steps in a row", loss, n.nonfinite.count),
		verdict(Overflow, over.count >= n.settings[Overflow].Steps, true, over,
			"%d of the last %d steps overflow: they do not change the weights", over.count, len(n.overflow.bad)),
		verdict(LossScale, n.floor.count >= n.settings[LossScale].Steps, true, n.floor,
			"the loss scale is at 1, and all of the last %d steps overflow: they do not change the weights", n.floor.count),
		verdict(Flat, n.flat(), true, same,
			"the loss is %s, to the last digit, in %d steps in a row: nothing is learnt", loss, same.count),
		verdict(Spike, n.spike.high.count >= n.settings[Spike].Steps, false, n.spike.high,
			"the loss is %s in the last of %d steps in a row that are far above the usual %.4g", loss, n.spike.high.count, n.spike.usual),
	}
}

// spike compares a loss with those before it, by their median and by how far
// they usually are from it. Single wild values move neither.
type spike struct {
	setting Setting
	recent  []float64
	high    series
	usual   float64
}

// spread is the least distance from the median, as a share of it, that is
// taken as usual: a loss that hardly varied must not make a wave a spike.
const spread = 0.05

func (s *spike) add(loss float64, counts bool, at time.Time) {
	if !counts {
		return
	}
	if len(s.recent) >= s.setting.Warmup {
		median, deviation := robust(s.recent)
		limit := median + s.setting.Factor*max(deviation, spread*math.Abs(median))
		s.high.add(loss > limit, at)
		s.usual = median
	}
	// A high value that stays becomes the usual one in time, as the window
	// moves on: whoever was told once need not be told for ever.
	s.recent = append(s.recent, loss)
	if len(s.recent) > s.setting.Of {
		s.recent = s.recent[1:]
	}
}

// robust returns the median and the median distance from it.
func robust(values []float64) (median, deviation float64) {
	sorted := slices.Sorted(slices.Values(values))
	median = sorted[len(sorted)/2]
	for i, v := range sorted {
		sorted[i] = math.Abs(v - median)
	}
	slices.Sort(sorted)
	return median, sorted[len(sorted)/2]
}

// weights waits for the sign that a training goes on after it could not load
// its weights. Versions that end there print nothing more but a traceback.
type weights struct {
	problem *logparse.Problem
	since   time.Time
}

// mismatch is the error signature of weights that do not fit the model.
const mismatch = "checkpoint-mismatch"

func (w *weights) add(r *logparse.Record, at time.Time) bool {
	switch r.Kind {
	case logparse.KindProblem:
		if w.problem == nil && r.Problem.Signature != nil && r.Problem.Signature.ID == mismatch {
			p := r.Problem
			w.problem, w.since = &p, at
		}
	case logparse.KindPhase, logparse.KindStep, logparse.KindSetting:
		return w.problem != nil
	}
	return false
}

func (w *weights) verdict() Verdict {
	return Verdict{Watchdog: Weights, Error: true, Since: w.since,
		Message: "the weights were not loaded, and the training goes on without them: " + w.problem.Text}
}
