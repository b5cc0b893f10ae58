package logparse

import (
	"slices"
	"time"
)

// Health says in one word how the loss goes.
type Health string

// The words of Health.
const (
	HealthUnknown     Health = "unknown"     // too few steps to tell
	HealthOK          Health = "ok"          // nothing speaks against it
	HealthFlat        Health = "flat"        // the same loss to the last digit, step after step, and no plateau
	HealthDiverging   Health = "diverging"   // the loss grows far beyond its best
	HealthOverflowing Health = "overflowing" // every step overflows: the weights do not change
	HealthNonFinite   Health = "nonfinite"   // the loss is not a number any more
)

// Bounds of the judgement. A healthy run may begin with a dozen overflowing
// steps while a dynamic loss scale comes down, so only long series count.
const (
	overflowSteps   = 36
	overflowAtFloor = 10 // with the loss scale at 1, where it cannot come down
	trendSteps      = 20
	divergedFactor  = 2
)

// health follows what speaks of a training that goes wrong.
type health struct {
	losses   window
	best     float64 // smallest median of a stretch of losses
	stretch  int
	flat     Flatness
	overflow int // steps with overflow, at the end
	floor    int // of these, those with a loss scale of at most 1
	bad      int // steps with a loss that is not finite, at the end
	smooth   float64
	any      bool
}

func (h *health) add(s *Step) {
	if s.NoLoss {
		return
	}
	if s.Overflow == True {
		h.overflow++
		if s.LossScale.Known && s.LossScale.Value <= 1 {
			h.floor++
		}
	} else {
		h.overflow, h.floor = 0, 0
	}
	h.flat.Add(s, time.Time{})
	if !finite(s.Loss) {
		h.bad++
		return
	}
	h.bad = 0
	if !h.any {
		h.any, h.smooth = true, s.Loss
	}
	h.smooth += 0.1 * (s.Loss - h.smooth)
	h.losses.add(s.Loss)
	if h.stretch++; h.stretch%trendSteps == 0 {
		m := h.median()
		if h.stretch == trendSteps || m < h.best {
			h.best = m
		}
	}
}

// median is the robust loss: that of the last steps, of which single spikes
// do not move it.
func (h *health) median() float64 {
	var last [trendSteps]float64 // no allocation: it is asked for while a log is read
	values := h.losses.newest(last[:0])
	slices.Sort(values)
	return sortedQuantile(values, 0.5)
}

// verdict judges by the end of the log; a run that recovered is healthy.
func (h *health) verdict() Health {
	switch {
	case h.bad > 0:
		return HealthNonFinite
	case h.overflow >= overflowSteps, h.floor >= overflowAtFloor:
		return HealthOverflowing
	case h.flat.Streak(FlatSteps).Reaches(FlatSteps):
		return HealthFlat
	case h.stretch < trendSteps:
		return HealthUnknown
	case h.best > 0 && h.median() > divergedFactor*h.best+1:
		return HealthDiverging
	}
	return HealthOK
}

// Health judges the loss by the last steps of the log. It is a hint for a
// person: no decision should hang on it alone.
func (s *Summary) Health() Health {
	if s.Steps == 0 {
		return HealthUnknown
	}
	return s.health.verdict()
}
