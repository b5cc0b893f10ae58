package main

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"ftd/api"
)

// View draws the screen. Nothing on it is wider or higher than the terminal,
// and what does not fit is left out from the bottom up: the log first.
func (w *watch) View() tea.View {
	v := tea.NewView("")
	v.AltScreen = true
	v.WindowTitle = "ftctl watch"
	if w.width > 0 && w.height > 0 {
		v.Content = strings.Join(w.screen(), "\n")
	}
	return v
}

// screen is the lines of the screen, exactly as many as it has.
func (w *watch) screen() []string {
	lines, keys := w.list(), []string{"↑↓ choose   Enter show   q quit", "q quit"}
	if w.shown != nil {
		lines, keys = w.detail(), []string{"↑↓ other job   Tab other picture   Esc all jobs   q quit; the job goes on",
			"↑↓ job   Tab picture   Esc jobs   q quit", "Esc jobs   q quit", "q quit"}
	}
	foot := w.p.dim(firstThatFits(keys, w.width))
	switch {
	case w.away:
		foot = w.p.yellow(fit(awayText, w.width))
	case w.err != nil:
		e := asError(w.err)
		foot = w.p.red(fit(plain(e.Message)+"; "+plain(e.Remedy), w.width))
	}
	lines = lines[:min(len(lines), max(w.height-1, 0))]
	for len(lines) < w.height-1 {
		lines = append(lines, "")
	}
	return append(lines, foot)
}

// firstThatFits is the fullest of the texts that fits, or what fits of the last.
func firstThatFits(texts []string, columns int) string {
	for _, text := range texts {
		if cells.StringWidth(text) <= columns {
			return text
		}
	}
	return fit(texts[len(texts)-1], columns)
}

// list is the view of all jobs.
func (w *watch) list() []string {
	if len(w.jobs) == 0 {
		return []string{"no jobs yet; begin one with: ftctl run tiny-llama"}
	}
	var table strings.Builder
	writeJobs(&table, w.jobs, false, w.now)
	rows := strings.Split(strings.TrimSuffix(table.String(), "\n"), "\n")
	lines := []string{w.p.bold(fit("  "+rows[0], w.width))}
	// The chosen one stays on the screen.
	from := max(w.chosen-(w.height-3), 0)
	for i, row := range rows[1:] {
		if i < from {
			continue
		}
		mark := "  "
		if i == w.chosen {
			mark = "▶ "
		}
		line := fit(mark+row, w.width)
		if i == w.chosen {
			line = w.p.bold(line)
		}
		lines = append(lines, line)
	}
	return lines
}

// detail is the view of one job.
func (w *watch) detail() []string {
	j := w.shown
	lines := []string{w.title(j)}
	if len(j.Steps) > 0 {
		lines = append(lines, w.steps(j))
	}
	if t := j.Training; t != nil {
		if phases := phaseClocks(j, w.now); phases != "" {
			lines = append(lines, fit(phases, w.width))
		}
		lines = append(lines, w.progress(j, t))
	}
	if text := waitingText(j.Waiting, w.now); text != "" {
		lines = append(lines, w.p.yellow(fit("waits for "+plain(text), w.width)))
	}
	if j.Error != nil {
		lines = append(lines, w.p.red(fit("error: "+plain(j.Error.Message), w.width)))
		if j.Error.Remedy != "" {
			lines = append(lines, fit(words(locale(), "what to do: ", "怎么办：")+plain(remedyOf(j.Error, locale())), w.width))
		}
	}
	below := w.facts(j)
	// The log gets what is left, a few lines at least where there is room.
	picture := w.picture(w.height - 1 - len(lines) - len(below) - 4)
	lines = append(append(lines, picture...), below...)
	return append(lines, w.log(w.height-1-len(lines))...)
}

func (w *watch) title(j *api.Job) string {
	facts := []string{plain(j.Name), string(j.State)}
	if j.Started != nil {
		facts = append(facts, clock(between(j.Started, j.Ended, w.now)))
	}
	if j.Recipe != "" && j.Recipe != j.Name {
		facts = append(facts, plain(j.Recipe))
	}
	facts = append(facts, j.ID)
	if len(j.Cards) > 0 {
		facts = append(facts, "cards "+numbers(j.Cards))
	}
	return w.p.bold(fit(strings.Join(facts, "   "), w.width))
}

// steps is one line with the steps and their clocks; where it does not fit, those
// that are done are only counted.
func (w *watch) steps(j *api.Job) string {
	var parts, open []string
	done := 0
	for i := range j.Steps {
		s := &j.Steps[i]
		text := map[api.State]string{api.StateSucceeded: "✓ ", api.StateSkipped: "✓ ", api.StateFailed: "✗ ", api.StateLost: "✗ ",
			api.StateRunning: "▶ ", api.StateQueued: "· "}[s.State]
		if text == "" {
			text = "- "
		}
		text += s.ID
		switch {
		case s.State == api.StateRunning && s.Started != nil:
			text += " " + clock(w.now.Sub(*s.Started))
			if s.Progress != nil && s.Progress.Total > 0 {
				text += fmt.Sprintf(" %d %%", min(s.Progress.Done*100/s.Progress.Total, 100))
			}
		case s.Started != nil && s.Ended != nil && s.State != api.StateSkipped:
			text += " " + stepTook(s, w.now)
		}
		parts = append(parts, text)
		if s.State == api.StateSucceeded || s.State == api.StateSkipped {
			done++
		} else {
			open = append(open, text)
		}
	}
	open = append([]string{fmt.Sprintf("✓ %d of %d", done, len(j.Steps))}, open...)
	return firstThatFits([]string{strings.Join(parts, "   "), strings.Join(open, "   ")}, w.width)
}

// progress is the training's line, with a bar where its end is known.
func (w *watch) progress(j *api.Job, t *api.Training) string {
	line := trainingLine(t)
	if t.Last == nil && t.Phase == api.PhaseCompiling && !j.Over() {
		line = compileComfort
	}
	texts := []string{line}
	if t.StepsTotal > 0 {
		texts = []string{bar(t.StepsDone, t.StepsTotal) + "  " + line, line}
	}
	line = firstThatFits(texts, w.width)
	if t.OverflowSteps > 0 || t.NonFinite > 0 {
		return w.p.yellow(line)
	}
	return line
}

// log is the end of the log in so many lines, its heading counted.
func (w *watch) log(rows int) []string {
	if rows < 2 {
		return nil
	}
	file, tail := w.feed.tail(rows - 1)
	if file == "" {
		file = "log"
	}
	heading := "── " + plain(file) + " "
	lines := []string{w.p.dim(fit(heading+strings.Repeat("─", max(w.width-len([]rune(heading)), 0)), w.width))}
	var wrapped []string
	for _, line := range tail {
		wrapped = append(wrapped, wrap(plain(line), w.width)...)
	}
	return append(lines, wrapped[max(len(wrapped)-rows+1, 0):]...)
}
