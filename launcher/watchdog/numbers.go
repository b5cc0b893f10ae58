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
	nonfinite, floor series
	// same are steps with the loss of the one before, as it is printed; dead
	// are those of them that show that it is no plateau.
	same, dead series
	overflow   window
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
	same := n.losses > 0 && s.Loss == n.last
	n.same.add(same, at)
	n.dead.add(same && (overflow || deadNorm(s.GlobalNorm) || fine(s)), at)
	// A step that overflows is left out by the optimizer, and a loss scale
	// that is still too large makes a series of them: the next two judge it.
	if !overflow || finite {
		n.nonfinite.add(!finite, at)
	}
	n.overflow.add(overflow, n.settings[Overflow].Of, at)
	n.floor.add(overflow && s.LossScale.Known && s.LossScale.Value <= 1, at)
	n.spike.add(s, finite && !overflow, at)
	n.losses++
	n.last = s.Loss
}

// constant reports whether the printed loss does not change.
func (n *numbers) constant() bool { return n.same.count >= n.settings[Flat].Steps-1 }

// deadNorm: gradients that are no numbers, or that are all zero, change nothing.
func deadNorm(norm logparse.Number) bool {
	return norm.Known && (norm.Value == 0 || math.IsNaN(norm.Value) || math.IsInf(norm.Value, 0))
}

// fineDigits is how many significant digits of a loss never stay the same by
// chance: no two batches are so alike. Three decimals of a loss of 2.302, or of
// 0.000, stay the same for hundreds of steps of a training that is slow, on a
// plateau, or done.
const fineDigits = 6

// fine reports whether a loss is printed so exactly that a constant one is no
// plateau. With a learning rate of zero it may well be constant.
func fine(s *logparse.Step) bool {
	if s.LR.Known && s.LR.Value == 0 {
		return false
	}
	decimals := 3.0
	switch s.Format {
	case logparse.FormatF5, logparse.FormatF6, logparse.FormatLossMonitor:
		decimals = 6
	}
	return math.Abs(s.Loss) >= math.Pow(10, fineDigits-1-decimals)
}

// series returns the bad steps that a watchdog counts now, and how many are too
// many.
func (n *numbers) series(name Name) (s series, most int) {
	most = n.settings[name].Steps
	switch name {
	case NonFinite:
		return n.nonfinite, most
	case Overflow:
		return series{n.overflow.count, n.overflow.since}, most
	case LossScale:
		return n.floor, most
	case Flat:
		// The first step with that loss counts too.
		return series{n.dead.count + 1, n.dead.since}, most
	default:
		return n.spike.high, most
	}
}

// bad reports whether a watchdog finds something now. It is asked after every
// step, and words are made only when it does.
func (n *numbers) bad(name Name) bool {
	s, most := n.series(name)
	return s.count > 0 && s.count >= most
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

// spike compares a loss with those before it, by their median and by how far
// they usually are from it. Single wild values move neither.
type spike struct {
	setting Setting
	recent  []float64 // in the order of the log
	sorted  []float64 // the same, by size
	high    series
	usual   float64
	// start is what the loss was in the beginning, if that was seen.
	start float64
	seen  bool // a loss was
	first bool // the steps began with the first ones of a training
}

// spread is the least distance from the median, as a share of it, that is
// taken as usual: a loss that hardly varied must not make a wave a spike.
// Harder data, as of a curriculum, lets a loss rise once and by more than that,
// though not to where it was before anything was learnt; harder is the share
// for a loss below that, and for one of which the beginning was not seen.
const (
	spread = 0.05
	harder = 0.15
)

func (s *spike) add(step *logparse.Step, counts bool, at time.Time) {
	if !s.seen {
		s.seen, s.first = true, step.GlobalStep() <= int64(s.setting.Warmup)
	}
	if !counts {
		return
	}
	loss := step.Loss
	if len(s.recent) >= s.setting.Warmup {
		s.usual = s.sorted[len(s.sorted)/2]
		if s.start == 0 {
			s.start = math.Inf(1)
			if s.first {
				s.start = s.usual
			}
		}
		least := spread * math.Abs(s.usual)
		if loss <= s.start {
			least = harder * math.Abs(s.usual)
		}
		// The deviation is asked for only where it matters, at a loss that is
		// high: it costs as much as all the rest of the reading of a step.
		s.high.add(loss > s.usual+s.setting.Factor*least && loss > s.usual+s.setting.Factor*s.deviation(), at)
	}
	// A high value that stays becomes the usual one in time, as the window
	// moves on: whoever was told once need not be told for ever.
	s.recent = append(s.recent, loss)
	i, _ := slices.BinarySearch(s.sorted, loss)
	s.sorted = slices.Insert(s.sorted, i, loss)
	if len(s.recent) > s.setting.Of {
		i, _ := slices.BinarySearch(s.sorted, s.recent[0])
		s.sorted = slices.Delete(s.sorted, i, i+1)
		s.recent = s.recent[1:]
	}
}

// deviation returns the median distance from the median.
func (s *spike) deviation() float64 {
	distances := make([]float64, len(s.sorted))
	for i, v := range s.sorted {
		distances[i] = math.Abs(v - s.usual)
	}
	slices.Sort(distances)
	return distances[len(distances)/2]
}

// weights waits for the sign that a training goes on after it could not load
// its weights. Versions that end there print nothing more but a traceback.
type weights struct {
	problem *logparse.Problem
	since   time.Time
}

// weightless says whether an error signature is that of weights that do not fit
// the model, or did not arrive: versions of mindformers train from random ones.
func weightless(id string) bool {
	return id == "checkpoint-mismatch" || id == "weights-download-failed"
}

func (w *weights) add(r *logparse.Record, at time.Time) bool {
	switch r.Kind {
	case logparse.KindProblem:
		if w.problem == nil && r.Problem.Signature != nil && weightless(r.Problem.Signature.ID) {
			p := r.Problem
			w.problem, w.since = &p, at
		}
	case logparse.KindPhase, logparse.KindStep, logparse.KindSetting:
		return w.problem != nil
	}
	return false
}

func (w *weights) verdict() Verdict {
	return Verdict{Watchdog: Weights, Error: true, Since: w.since, Remedy: w.problem.Signature.Remedy,
		Message: "the weights were not loaded, and the training goes on without them: " + w.problem.Text}
}
