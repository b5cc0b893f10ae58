package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"ftd/api"
)

// screenView shows a job on a terminal: what is finished as lines that stay,
// and below them one line that is drawn again and again. It changes nothing
// about the terminal, neither modes nor cursor, so that there is nothing to
// restore however the program ends.
type screenView struct {
	w     io.Writer
	width func() int // of the terminal, asked for each drawing: it may change
	p     palette
	drawn string // the line that is on the screen without a line end
}

const clearLine = "\r\x1b[K"

func (v *screenView) show(m *model, told []news, now time.Time) {
	for _, n := range told {
		switch {
		case n.step != nil:
			v.step(m, n.step, now)
		case n.attempt != nil:
			v.stay(v.p.yellow("↻ ") + fmt.Sprintf("%s: attempt %d", n.attempt.Step, n.attempt.Number))
		case n.compiled > 0:
			v.stay("  compiled in " + took(n.compiled))
		case n.checkpoint != nil:
			// By its name alone, which fits on the line; the ending has the path.
			c := *n.checkpoint
			c.Path = filepath.Base(c.Path)
			v.stay("  checkpoint " + checkpointText(&c))
		case n.problem != nil:
			v.stay(v.p.yellow("! ") + plain(n.problem.Message))
		case n.alarm != nil:
			v.stay(v.p.yellow("! ") + alarmText(n.alarm))
		}
	}
	v.tick(m, now)
}

func (v *screenView) step(m *model, s *api.Step, now time.Time) {
	name := pad(s.ID, nameColumns(m))
	switch s.State {
	case api.StateQueued, api.StateRunning, api.StateStopping:
	case api.StateSucceeded:
		v.stay(v.p.green("✓ ") + name + "  " + v.p.dim(stepTook(s, now)+stepMaker(s)))
	case api.StateSkipped:
		v.stay(v.p.green("✓ ") + name + "  " + v.p.dim("its result is there"))
	case api.StateFailed, api.StateLost:
		v.stay(v.p.red("✗ ") + name + "  " + string(s.State) + " after " + stepTook(s, now))
	default:
		v.stay(v.p.yellow("- ") + name + "  " + string(s.State) + " after " + stepTook(s, now))
	}
}

// stay writes a line that is not drawn again.
func (v *screenView) stay(line string) {
	fmt.Fprint(v.w, v.erase()+line+"\n")
}

func (v *screenView) erase() string {
	if v.drawn == "" {
		return ""
	}
	v.drawn = ""
	return clearLine
}

func (v *screenView) tick(m *model, now time.Time) {
	// One column stays free: a line that fills the last one makes some
	// terminals wrap.
	line := fit(liveLine(m, now), v.width()-1)
	if line == v.drawn {
		return
	}
	fmt.Fprint(v.w, v.erase()+line)
	v.drawn = line
}

func (v *screenView) talk(sentence string) { v.stay(sentence) }

func (v *screenView) close() { fmt.Fprint(v.w, v.erase()) }

// liveLine is how things stand at this moment.
func liveLine(m *model, now time.Time) string {
	s := m.running()
	switch {
	case s == nil && m.job.State == api.StateQueued:
		return "  queued"
	case s == nil:
		return ""
	case s.State == api.StateStopping || m.job.State == api.StateStopping:
		return "  " + s.ID + "  stopping"
	case m.trains(s):
		return "  " + trainingNow(m.job.Training, now)
	}
	parts := []string{"  " + pad(s.ID, nameColumns(m))}
	if p := s.Progress; p != nil {
		if p.Total > 0 {
			parts = append(parts, bar(p.Done, p.Total))
		}
		if text := progressText(p); text != "" {
			parts = append(parts, text)
		}
	}
	if s.Started != nil {
		parts = append(parts, clock(now.Sub(*s.Started)))
	}
	return strings.Join(parts, "  ")
}

// trainingNow is the training's live line: a clock while it does not train.
func trainingNow(t *api.Training, now time.Time) string {
	since := clock(now.Sub(t.PhaseSince))
	switch t.Phase {
	case api.PhaseTraining:
		if t.Last != nil {
			return trainingLine(t)
		}
	case api.PhaseCompiling:
		return "compiling " + since + ", " + compileComfort
	}
	if t.Last != nil {
		return trainingLine(t) + "  " + string(t.Phase) + " " + since
	}
	return string(t.Phase) + " " + since
}

// nameColumns is the width of the longest step's name.
func nameColumns(m *model) int {
	n := 0
	for i := range m.job.Steps {
		n = max(n, len(m.job.Steps[i].ID))
	}
	return n
}

const barColumns = 20

func bar(done, total int64) string {
	full := int(min(max(done, 0), total) * barColumns / total)
	return strings.Repeat("█", full) + strings.Repeat("░", barColumns-full)
}
