package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"ftd/api"
)

// phaseClocks tells how long each phase of the newest attempt took, and how
// long the one at hand has.
func phaseClocks(j *api.Job, now time.Time) string {
	t := j.Training
	if j.Ended != nil {
		now = *j.Ended
	}
	var parts []string
	if a := newestAttempt(j, t.Attempt); a != nil {
		if a.Number > 1 {
			parts = append(parts, fmt.Sprintf("attempt %d", a.Number))
		}
		if a.Started != nil && t.CompileBegan != nil {
			parts = append(parts, "loading "+clock(t.CompileBegan.Sub(*a.Started)))
		}
	}
	if t.CompileBegan != nil && t.CompileEnded != nil {
		parts = append(parts, "compiled in "+clock(t.CompileEnded.Sub(*t.CompileBegan)),
			"training "+clock(now.Sub(*t.CompileEnded)))
	}
	if t.Phase != "" && !j.Over() && (t.Phase != api.PhaseTraining || t.CompileEnded == nil) {
		parts = append(parts, string(t.Phase)+" "+clock(now.Sub(t.PhaseSince)))
	}
	return strings.Join(parts, "   ")
}

func newestAttempt(j *api.Job, id string) *api.Attempt {
	for i := range j.Steps {
		for k := range j.Steps[i].Attempts {
			if a := &j.Steps[i].Attempts[k]; a.ID == id {
				return a
			}
		}
	}
	return nil
}

// watchFacts is how many lines checkpoints and watchdogs get.
const watchFacts = 3

// facts are the checkpoints, the disk, and what watchdogs found.
func (w *watch) facts(j *api.Job) []string {
	t := j.Training
	if t == nil {
		return nil
	}
	var lines []string
	verified := 0
	var newest *api.Checkpoint
	for i := range t.Checkpoints {
		if c := &t.Checkpoints[i]; c.Complete && !c.Gone {
			verified++
			newest = c
		} else if !c.Complete && !c.Gone {
			lines = append(lines, w.p.red(fit("checkpoint  "+checkpointText(c), w.width)))
		}
	}
	lines = lines[max(len(lines)-watchFacts, 0):]
	if newest != nil {
		lines = append(lines, fit(fmt.Sprintf("checkpoints %d verified, the newest %s: %s", verified, ago(&newest.Seen, w.now), checkpointText(newest)), w.width))
	}
	if t.Disk != nil {
		line := fit("disk        "+diskText(t.Disk), w.width)
		if t.Disk.Warning != "" {
			line = w.p.yellow(line)
		}
		lines = append(lines, line)
	}
	for i := max(len(t.Alarms)-watchFacts, 0); i < len(t.Alarms); i++ {
		lines = append(lines, w.p.yellow(fit("watchdog    "+alarmText(&t.Alarms[i])+", "+ago(&t.Alarms[i].Time, w.now), w.width)))
	}
	return lines
}

// watchPlots are the pictures that Tab goes through.
func watchPlots() []string { return []string{"loss", "lr", "step_ms", "loss_scale", "global_norm"} }

// Rows of pictures: the large one has up to as many as elsewhere, the learning
// rate below the loss few.
const (
	lrRows    = 2
	leastPlot = 4
)

// picture draws the steps in at most so many rows: the chosen number, the
// learning rate below the loss, and below them where steps overflowed.
func (w *watch) picture(rows int) []string {
	var lines []string
	w.feed.points(func(points []api.Point) {
		name := watchPlots()[w.plot]
		room := rows - 4 // heading, axis, overflow, and asciigraph's own extra row
		withLR := name == "loss" && room >= leastPlot+lrRows+2
		if withLR {
			room -= lrRows + 2
		}
		if room < leastPlot || len(points) == 0 {
			return
		}
		lines = append(lines, "")
		graph, margin := drawNumber(name, points, w.width, min(room, plotHeight+5))
		if graph == "" {
			lines = append(lines, w.p.dim(fit("no "+name+" to draw yet", w.width)))
			return
		}
		lines = append(lines, w.p.dim(name))
		lines = append(lines, strings.Split(graph, "\n")...)
		if marks := overflowMarks(points, margin, w.width); marks != "" {
			lines = append(lines, w.p.red(marks))
		}
		if withLR {
			if lr, _ := drawNumber("lr", points, w.width, lrRows); lr != "" {
				lines = append(append(lines, w.p.dim("lr")), strings.Split(lr, "\n")...)
			}
		}
		lines = append(lines, fit(stepAxis(points[0].GlobalStep, points[len(points)-1].GlobalStep, margin, w.width), w.width))
	})
	for i := range lines {
		lines[i] = fitPainted(lines[i], w.width)
	}
	return lines
}

// fitPainted is fit for lines that may be coloured: those have been fitted.
func fitPainted(line string, columns int) string {
	if strings.ContainsRune(line, '\x1b') {
		return line
	}
	return fit(line, columns)
}

// drawNumber draws one number of the steps.
func drawNumber(name string, points []api.Point, columns, rows int) (graph string, margin int) {
	value := numbersOfSteps()[name]
	values := make([]float64, len(points))
	for i := range points {
		values[i] = math.NaN()
		if v := value(&points[i]); v != nil {
			values[i] = float64(*v)
		}
	}
	graph, margin, _ = drawRows(values, columns, rows)
	return graph, margin
}

// overflowMarks is a line with a cross below each column whose steps
// overflowed or had no finite loss, "" if none did.
func overflowMarks(points []api.Point, margin, columns int) string {
	width := max(columns-margin-1, 1)
	row := []rune(strings.Repeat(" ", width))
	any := false
	for i := range points {
		if p := &points[i]; (p.Overflow != nil && *p.Overflow) || !finite(p.Loss) {
			row[min(i*width/len(points), width-1)] = '×'
			any = true
		}
	}
	if !any {
		return ""
	}
	return strings.TrimRight(fit(pad(fit("overflow", margin), margin)+string(row), columns), " ")
}
