package logparse

import "time"

// Streak counts bad steps in a row.
type Streak struct {
	Steps int
	Lines int // that told of them
	Since time.Time
}

// With a dataset sink, or less talk (per_print_times), a line stands for the
// steps since the one before it. One line proves little of those it does not
// tell of, so it counts for mostSteps at most, and FewLines are no streak yet.
const (
	mostSteps = 10
	FewLines  = 4
)

// Add takes a line into account that stands for so many steps.
func (s *Streak) Add(bad bool, steps int, at time.Time) {
	if !bad {
		*s = Streak{}
		return
	}
	if s.Steps == 0 {
		s.Since = at
	}
	s.Steps += steps
	s.Lines++
}

// Reaches reports whether these are too many, most being how many are.
func (s Streak) Reaches(most int) bool {
	return s.Steps > 0 && s.Steps >= most && s.Lines >= min(most, FewLines)
}
