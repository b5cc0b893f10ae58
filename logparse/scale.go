package logparse

import "slices"

// ScaleChange is a step at which the loss scale became another one.
type ScaleChange struct {
	Step  int64   // over all epochs
	Value float64 // from that step on
}

// maxScaleChanges is how many changes a summary remembers: the newest ones. A
// dynamic loss scale doubles every thousand steps or so, and halves when a step
// overflows.
const maxScaleChanges = 256

// ScaleChanges returns how the loss scale went: the first one and each change,
// at most the newest 256. all is how many there were.
func (s *Summary) ScaleChanges() (newest []ScaleChange, all int64) {
	return slices.Clone(s.scales), s.scaleChanges
}

func (s *Summary) addScale(step int64, v float64) {
	if s.scale.seen && v == s.scale.last {
		return
	}
	s.scale.add(v)
	s.scaleChanges++
	if len(s.scales) == maxScaleChanges {
		s.scales = slices.Delete(s.scales, 0, 1)
	}
	s.scales = append(s.scales, ScaleChange{step, v})
}
