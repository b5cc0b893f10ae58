package watchdog

import (
	"math"
	"slices"
	"time"

	"ftd/logparse"
)

// spike compares a loss with those before it, by their median and by how far
// they usually are from it. Single wild values move neither.
type spike struct {
	setting Setting
	recent  []float64 // in the order of the log
	sorted  []float64 // the same, by size
	high    logparse.Streak
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

// wildFactor is how many times as far from the median as the ninth of ten losses
// one must be.
const wildFactor = 4

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
		s.high.Add(loss > s.usual+s.setting.Factor*least && loss > s.usual+s.setting.Factor*s.deviation() && loss > s.wild(), 1, at)
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

// wild is the loss from which on one is above the high ones that were seen
// before as well. A loss near zero is often ten times as high as usual, for a
// short batch or one that is hard to learn: that is no news.
func (s *spike) wild() float64 {
	high := s.sorted[len(s.sorted)*9/10]
	return high + wildFactor*(high-s.usual)
}
