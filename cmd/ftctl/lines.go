package main

import (
	"fmt"
	"io"
	"time"

	"ftd/api"
)

// linesView shows a job where there is no terminal: a line for each change of
// a step or phase, and one for each tenth of the training.
type linesView struct {
	w io.Writer
	// tenth is the part of the training that was told, counted from 1.
	tenth int64
	// done is how many steps the last line about the training told of: what is
	// known of one may come in two pieces.
	done int64
	// since is when the last line about the training was written, for
	// trainings that do not say how long they are.
	since time.Time
	// phases were told: saving and training take turns for days.
	phases map[api.Phase]bool
}

func (v *linesView) show(m *model, told []news, now time.Time) {
	for _, n := range told {
		switch {
		case n.step != nil:
			v.step(m, n.step, now)
		case n.attempt != nil:
			v.tenth, v.done, v.phases = 0, 0, nil
			fmt.Fprintf(v.w, "%s: attempt %d\n", n.attempt.Step, n.attempt.Number)
		case n.compiled > 0:
			fmt.Fprintf(v.w, "compiled in %s\n", took(n.compiled))
		case n.phase != nil:
			v.phase(n.phase)
		case n.point != nil:
			v.training(m, now)
		case n.checkpoint != nil:
			fmt.Fprintf(v.w, "checkpoint %s\n", checkpointText(n.checkpoint))
		case n.problem != nil:
			fmt.Fprintf(v.w, "seen in the log: %s\n", plain(n.problem.Message))
		case n.waiting != nil:
			fmt.Fprintf(v.w, "waiting for %s, #%d in line: %s\n", waitedFor(n.waiting), n.waiting.Position, plain(n.waiting.Reason))
		case n.alarm != nil:
			fmt.Fprintf(v.w, "watchdog %s\n", alarmText(n.alarm))
		}
	}
}

func (v *linesView) step(m *model, s *api.Step, now time.Time) {
	switch s.State {
	case api.StateQueued:
	case api.StateRunning:
		fmt.Fprintf(v.w, "%s: running\n", s.ID)
	case api.StateSkipped:
		fmt.Fprintf(v.w, "%s: skipped, its result is there\n", s.ID)
	case api.StateStopping:
		fmt.Fprintf(v.w, "%s: stopping\n", s.ID)
	default:
		fmt.Fprintf(v.w, "%s: %s after %s%s\n", s.ID, s.State, stepTook(s, now), stepMaker(s))
	}
}

func (v *linesView) phase(p *api.PhaseChange) {
	if v.phases[p.Phase] {
		return
	}
	if v.phases == nil {
		v.phases = map[api.Phase]bool{}
	}
	v.phases[p.Phase] = true
	if p.Phase == api.PhaseCompiling {
		fmt.Fprintf(v.w, "compiling, %s\n", compileComfort)
		return
	}
	fmt.Fprintln(v.w, p.Phase)
}

func (v *linesView) training(m *model, now time.Time) {
	t := m.job.Training
	if t.StepsDone == v.done {
		return
	}
	if t.StepsTotal > 0 {
		tenth := t.StepsDone * 10 / t.StepsTotal
		if tenth < v.tenth && t.StepsDone < t.StepsTotal {
			return
		}
		v.tenth = tenth + 1
	} else if !v.since.IsZero() && now.Sub(v.since) < time.Minute {
		return
	}
	v.since, v.done = now, t.StepsDone
	fmt.Fprintln(v.w, trainingLine(t))
}

func (v *linesView) tick(*model, time.Time) {}

func (v *linesView) talk(sentence string) { fmt.Fprintln(v.w, sentence) }

func (v *linesView) close() {}
