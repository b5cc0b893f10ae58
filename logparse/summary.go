package logparse

import (
	"math"
	"time"
)

// Summary is what a whole log says, gathered record by record in bounded
// memory. Its JSON form is a contract, see [Summary.MarshalJSON].
type Summary struct {
	// Steps counts the step lines, of all runs that the file holds.
	Steps       int64
	First, Last *Step
	// OverflowSteps counts the steps that say "overflow cond: True".
	OverflowSteps int64
	// NonFiniteSteps counts the steps whose loss is NaN or infinite;
	// NonFiniteNorms those whose global norm is, which a healthy run with a
	// dynamic loss scale has too.
	NonFiniteSteps, NonFiniteNorms int64
	// CompileStarted is set once the log announced the compiling.
	CompileStarted bool
	// Completed is set when the newest run in the log said that the training
	// is over. Whether it succeeded, the exit status knows.
	Completed bool
	// Errors in the order of the log, each fault once; at most 256.
	Errors []Problem
	// ErrorLines are the numbers of their lines.
	ErrorLines []int64
	// Settings are the numbers of the configuration that the log holds.
	Settings map[SettingName]float64
	// Runs counts the trainings that the file tells of.
	Runs int
	// Phases lists the phases in the order in which they were first entered.
	Phases []PhaseClock
	// Phase is the phase at the end of the log.
	Phase Phase
	// Began and Ended are the first and the last time that the log gives.
	Began, Ended time.Time

	saves    saves
	health   health
	stepMS   window // milliseconds of one step
	samples  window // samples per second and device
	scale    span   // loss scale
	scales   []ScaleChange
	previous place // of the step line before
	entered  time.Time
	minLoss  float64

	scaleChanges int64
}

// place is where a step stands in the plan.
type place struct {
	format        Format
	total, global int64
}

// PhaseClock says how long a training was in a phase.
type PhaseClock struct {
	Phase Phase
	// Line and Began are where it was first entered.
	Line  int64
	Began time.Time
	// Entered counts how often, Seconds adds up all of it.
	Entered int
	Seconds float64
}

// span is how a value began, where it is and where it was.
type span struct {
	seen              bool
	first, last       float64
	smallest, largest float64
}

func (s *span) add(v float64) {
	if !s.seen {
		*s = span{true, v, v, v, v}
		return
	}
	s.last, s.smallest, s.largest = v, min(s.smallest, v), max(s.largest, v)
}

// Add takes one record into account.
func (s *Summary) Add(r *Record) {
	if !r.Time.IsZero() {
		if s.Began.IsZero() {
			s.Began = r.Time
		}
		s.Ended = r.Time
	}
	switch r.Kind {
	case KindStep:
		s.step(&r.Step)
	case KindProgress:
		s.saves.movedOn(s.previous.format)
		s.samples.add(r.Progress.SamplesPerSec)
	case KindPhase:
		s.enter(r)
	case KindSave:
		s.saves.add(&r.Save)
	case KindEnd:
		s.saves.movedOn(s.previous.format)
		s.Completed = true
	case KindProblem:
		s.problem(r)
	case KindSetting:
		if s.Settings == nil {
			s.Settings = map[SettingName]float64{}
		}
		// The dump names some settings more than once; the model's come first.
		if _, known := s.Settings[r.Setting.Name]; !known {
			s.Settings[r.Setting.Name] = r.Setting.Value
		}
	}
}

func (s *Summary) step(st *Step) {
	s.saves.movedOn(st.Format)
	s.Steps++
	if s.First == nil {
		first := *st
		s.First, s.Last = &first, new(Step)
		s.Runs, s.minLoss = max(s.Runs, 1), math.Inf(1)
	}
	*s.Last = *st
	if st.Overflow == True {
		s.OverflowSteps++
	}
	if !st.NoLoss && !finite(st.Loss) {
		s.NonFiniteSteps++
	}
	if st.GlobalNorm.Known && !finite(st.GlobalNorm.Value) {
		s.NonFiniteNorms++
	}
	if st.LossScale.Known {
		s.addScale(st.GlobalStep(), st.LossScale.Value)
	}
	if finite(st.Loss) {
		s.minLoss = min(s.minLoss, st.Loss)
	}
	s.health.add(st)
	// The first step of a run includes compiling.
	if st.StepMS > 0 && s.previous != (place{}) {
		s.stepMS.add(st.StepMS / float64(s.advance(st)))
	}
	s.previous = place{st.Format, st.Total, st.GlobalStep()}
}

// advance is how many steps a line's time stands for: with a dataset sink the
// lines of F0 and F1 tell the time of the whole sink.
func (s *Summary) advance(st *Step) int64 {
	if st.Format != FormatF0 && st.Format != FormatF1 {
		return 1
	}
	n := st.GlobalStep() - s.previous.global
	if s.previous.total != st.Total || n < 1 {
		return 1
	}
	return n
}

func (s *Summary) enter(r *Record) {
	if s.Phase != "" && !s.entered.IsZero() && r.Time.After(s.entered) {
		for i := range s.Phases {
			if s.Phases[i].Phase == s.Phase {
				s.Phases[i].Seconds += r.Time.Sub(s.entered).Seconds()
			}
		}
	}
	s.Phase, s.entered = r.Phase, r.Time
	switch r.Phase {
	case PhaseCompiling:
		s.CompileStarted = true
	case PhaseStarting:
		if s.Runs == 0 || s.previous != (place{}) || s.Completed {
			s.Runs++
		}
		s.Completed = false
		s.previous = place{}
		s.saves.run()
	}
	for i := range s.Phases {
		if s.Phases[i].Phase == r.Phase {
			s.Phases[i].Entered++
			return
		}
	}
	s.Phases = append(s.Phases, PhaseClock{Phase: r.Phase, Line: r.Line, Began: r.Time, Entered: 1})
}

func (s *Summary) problem(r *Record) {
	if r.Problem.Again {
		for i := len(s.Errors) - 1; i >= 0; i-- {
			if s.Errors[i].Signature.ID == r.Problem.Signature.ID {
				s.Errors[i].Traceback = r.Problem.Traceback
				return
			}
		}
	}
	if len(s.Errors) < maxSeen {
		s.Errors = append(s.Errors, r.Problem)
		s.ErrorLines = append(s.ErrorLines, r.Line)
	}
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
