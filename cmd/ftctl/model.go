package main

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"ftd/api"
)

// model is what is known about a job that is followed. It begins with the job
// as the daemon described it and is kept up to date by the job's events; it
// knows nothing of screens and clocks.
type model struct {
	job api.Job
	// counted is the event up to which the training's counters are complete:
	// the daemon's summary may be newer than the event at hand.
	counted int64
	// attempt is the newest attempt that was told of, by its step.
	attempt map[string]int
	// speaker is the rank whose log tells of the training, and steps whether
	// it has logged steps; nil while no rank was heard.
	speaker *int
	steps   bool
}

func newModel(job api.Job) *model {
	m := &model{job: job, counted: job.Event, attempt: map[string]int{}}
	for i := range job.Steps {
		m.attempt[job.Steps[i].ID] = len(job.Steps[i].Attempts)
	}
	m.job.Steps = slices.Clone(job.Steps)
	m.setTraining(job.Training)
	return m
}

// setTraining takes over the daemon's own summary, which knows more than the
// events say, such as the samples per second.
func (m *model) setTraining(t *api.Training) {
	if t == nil {
		return
	}
	own := *t
	m.job.Training = &own
}

// refresh takes over the training of a newer description of the job.
func (m *model) refresh(job api.Job) {
	if job.Event < m.counted {
		return
	}
	m.counted = job.Event
	m.setTraining(job.Training)
}

// news is something that a person is told once. Exactly one part is set.
type news struct {
	step       *api.Step        // its state changed
	phase      *api.PhaseChange // of the training
	compiled   time.Duration    // the compile phase is over and took this long
	point      *api.Point       // the newest step of the training
	checkpoint *api.Checkpoint
	problem    *api.Error
	alarm      *api.Alarm   // a watchdog found something
	waiting    *api.Waiting // it waits for something, or for something else
	attempt    *api.Attempt // another try at a step
}

// standing is what is told of a job that was at work before it was followed.
func (m *model) standing() []news {
	var told []news
	for i := range m.job.Steps {
		if m.job.Steps[i].State != api.StateQueued {
			told = append(told, news{step: &m.job.Steps[i]})
		}
	}
	if t := m.job.Training; t != nil && t.Phase != "" && !m.job.Over() {
		told = append(told, news{phase: &api.PhaseChange{Phase: t.Phase, Since: t.PhaseSince}})
	}
	if m.job.Waiting != nil {
		told = append(told, news{waiting: m.job.Waiting})
	}
	return told
}

// apply learns from one event and returns what is worth telling. Events of
// unknown types, and data that cannot be read, say nothing.
func (m *model) apply(e api.Event) []news {
	switch e.Type {
	case api.EventJob:
		if j, ok := data[api.Job](e); ok {
			m.setJob(j)
		}
	case api.EventStep:
		if s, ok := data[api.Step](e); ok {
			return m.setStep(s)
		}
	case api.EventAttempt:
		if a, ok := data[api.Attempt](e); ok {
			return m.setAttempt(a)
		}
	case api.EventProgress:
		if p, ok := data[api.Progress](e); ok {
			if s := m.step(e.Step); s != nil {
				s.Progress = &p
			}
		}
	case api.EventPhase:
		if p, ok := data[api.PhaseChange](e); ok {
			return m.setPhase(e, p)
		}
	case api.EventPoints:
		if points, ok := data[[]api.Point](e); ok && len(points) > 0 {
			return m.addPoints(e, points)
		}
	case api.EventCheckpoint:
		if c, ok := data[api.Checkpoint](e); ok {
			return []news{{checkpoint: &c}}
		}
	case api.EventProblem:
		if p, ok := data[api.Error](e); ok {
			return []news{{problem: &p}}
		}
	case api.EventWaiting:
		if w, ok := data[api.Waiting](e); ok {
			return []news{{waiting: &w}}
		}
	case api.EventWatchdog:
		if a, ok := data[api.Alarm](e); ok {
			return []news{{alarm: &a}}
		}
	}
	return nil
}

func data[T any](e api.Event) (T, bool) {
	var v T
	err := json.Unmarshal(e.Data, &v)
	return v, err == nil
}

// setJob takes over the job's own fields; an event's job has no steps.
func (m *model) setJob(j api.Job) {
	j.Steps = m.job.Steps
	j.Training = m.job.Training
	m.job = j
}

func (m *model) setStep(s api.Step) []news {
	old := m.step(s.ID)
	if old == nil {
		m.job.Steps = append(m.job.Steps, s)
		return []news{{step: &s}}
	}
	changed := old.State != s.State
	s.Attempts = old.Attempts
	if s.Progress == nil {
		s.Progress = old.Progress
	}
	*old = s
	if !changed {
		return nil
	}
	return []news{{step: &s}}
}

// setAttempt tells of a further try at a step; the first is the step itself.
func (m *model) setAttempt(a api.Attempt) []news {
	again := a.Number > max(m.attempt[a.Step], 1)
	m.attempt[a.Step] = max(m.attempt[a.Step], a.Number)
	if !again {
		return nil
	}
	return []news{{attempt: &a}}
}

// speaks says whether the rank of an event tells of the training. That is the
// lowest one that logs steps, since in a pipeline only some do; before any
// has, the lowest that was heard.
func (m *model) speaks(e api.Event) bool {
	steps := e.Type == api.EventPoints
	if m.speaker == nil || (steps && !m.steps) || (steps == m.steps && e.Rank < *m.speaker) {
		m.speaker, m.steps = &e.Rank, steps
	}
	return *m.speaker == e.Rank
}

func (m *model) setPhase(e api.Event, p api.PhaseChange) []news {
	t := m.training(e)
	if !m.speaks(e) {
		return nil
	}
	was := t.Phase
	took := p.Since.Sub(t.PhaseSince)
	t.Phase, t.PhaseSince = p.Phase, p.Since
	if was == p.Phase {
		return nil
	}
	told := []news{{phase: &p}}
	if was == api.PhaseCompiling && took > 0 {
		told = append([]news{{compiled: took}}, told...)
	}
	return told
}

func (m *model) addPoints(e api.Event, points []api.Point) []news {
	t := m.training(e)
	if !m.speaks(e) {
		return nil
	}
	last := points[len(points)-1]
	if e.ID > m.counted {
		for _, p := range points {
			if p.Overflow != nil && *p.Overflow {
				t.OverflowSteps++
			}
			if !finite(p.Loss) {
				t.NonFinite++
			}
		}
		if t.StepsDone <= 1 {
			t.StepSeconds = last.StepMS / 1000 // the first step holds the compile
		} else {
			t.StepSeconds = smooth(t.StepSeconds, last.StepMS/1000)
		}
		t.StepsDone = max(t.StepsDone, last.GlobalStep)
		if last.Total > 0 {
			t.StepsTotal = max(last.Total, last.Total*last.Epochs)
		}
		if t.StepsTotal > 0 {
			t.SecondsLeft = (api.Float(t.StepsTotal-t.StepsDone) * t.StepSeconds).Ptr()
		}
		t.Last = &last
	}
	return []news{{point: &last}}
}

// smooth follows a value without jumping at a single slow step.
func smooth(old, latest api.Float) api.Float {
	if old == 0 || !finite(old) || !finite(latest) {
		return latest
	}
	return old*0.8 + latest*0.2
}

// training returns the summary to change; another attempt begins a new one.
func (m *model) training(e api.Event) *api.Training {
	t := m.job.Training
	if t == nil || (e.Attempt != "" && t.Attempt != "" && t.Attempt != e.Attempt && e.ID > m.counted) {
		t = &api.Training{Attempt: e.Attempt}
		m.job.Training = t
		m.speaker, m.steps = nil, false
	}
	return t
}

func (m *model) step(id string) *api.Step {
	i := slices.IndexFunc(m.job.Steps, func(s api.Step) bool { return s.ID == id })
	if i < 0 {
		return nil
	}
	return &m.job.Steps[i]
}

// running returns the step at work, nil if none is.
func (m *model) running() *api.Step {
	i := slices.IndexFunc(m.job.Steps, func(s api.Step) bool {
		return s.State == api.StateRunning || s.State == api.StateStopping
	})
	if i < 0 {
		return nil
	}
	return &m.job.Steps[i]
}

// trains says whether the step at work is the training.
func (m *model) trains(s *api.Step) bool {
	t := m.job.Training
	return t != nil && t.Phase != "" && (t.Attempt == "" || strings.HasPrefix(t.Attempt, s.ID+"."))
}
