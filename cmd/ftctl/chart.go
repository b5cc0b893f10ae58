package main

import (
	"fmt"
	"math"
	"slices"

	"ftd/api"
)

// chart is a picture of one number of one or several trainings over their
// steps, for a file. draw lays it out once; a canvas (chart_svg.go,
// chart_png.go) puts it into a format.
type chart struct {
	title  string
	curves []chartLine
}

// chartLine is one training's line.
type chartLine struct {
	name     string
	steps    []float64
	values   []float64 // NaN, a gap, where there is no finite number
	overflow []float64 // the steps that overflowed or had no finite loss
}

// newChartLine takes one number out of the steps.
func newChartLine(name, series string, points []api.Point) chartLine {
	c := chartLine{name: name}
	value := numbersOfSteps()[series]
	for i := range points {
		p := &points[i]
		v := math.NaN()
		if f := value(p); f != nil && finite(*f) && math.Abs(float64(*f)) <= math.MaxFloat32 {
			v = float64(*f)
		}
		c.steps = append(c.steps, float64(p.GlobalStep))
		c.values = append(c.values, v)
		if (p.Overflow != nil && *p.Overflow) || !finite(p.Loss) {
			c.overflow = append(c.overflow, float64(p.GlobalStep))
		}
	}
	return c
}

// drawable says whether there is a line to draw.
func (c *chartLine) drawable() bool {
	n := 0
	for _, v := range c.values {
		if !math.IsNaN(v) {
			n++
		}
	}
	return n >= 2
}

// meanOver is how many steps the running mean of a curve is over; 1 is none.
func (c *chartLine) meanOver() int { return min(max(len(c.values)/50, 1), 500) }

// mean is the running mean: of each step and those before it, without gaps.
func (c *chartLine) mean() []float64 {
	window := c.meanOver()
	out := make([]float64, len(c.values))
	sum, count := 0.0, 0
	for i, v := range c.values {
		if !math.IsNaN(v) {
			sum, count = sum+v, count+1
		}
		if i >= window && !math.IsNaN(c.values[i-window]) {
			sum, count = sum-c.values[i-window], count-1
		}
		if out[i] = math.NaN(); !math.IsNaN(v) {
			out[i] = sum / float64(count)
		}
	}
	return out
}

// spot is a place on a canvas, from its upper left corner.
type spot struct{ x, y float64 }

// ink is a colour, and how much of it covers what is below.
type ink struct {
	red, green, blue uint8
	cover            float64
}

func (i ink) faint() ink { i.cover = 0.35; return i }

// inks are told apart by most colour-blind people too.
func inks() []ink {
	return []ink{{0, 98, 177, 1}, {213, 94, 0, 1}, {0, 140, 105, 1}, {160, 70, 150, 1}, {120, 120, 120, 1}, {200, 150, 0, 1}, {60, 60, 60, 1}}
}

func textInk() ink { return ink{40, 40, 40, 1} }
func gridInk() ink { return ink{225, 225, 225, 1} }
func markInk() ink { return ink{200, 30, 30, 1} }

// anchor is the part of a text that is at its spot.
type anchor int

const (
	anchorStart anchor = iota
	anchorMiddle
	anchorEnd
)

// canvas is what a chart is drawn on: chartWidth by chartHeight units.
type canvas interface {
	// stroke draws paths; a path of one spot is a dot.
	stroke(paths [][]spot, with ink, width float64)
	// text writes with its baseline at a spot.
	text(at spot, a anchor, size float64, text string)
}

// Sizes of a chart and the places of its frame, in the canvas's units.
const (
	chartWidth  = 960.0
	chartHeight = 540.0
	frameLeft   = 72.0
	frameRight  = chartWidth - 24
	frameTop    = 56.0
	frameBottom = chartHeight - 52
)

// draw lays the chart out on a canvas.
func (ch *chart) draw(on canvas) {
	x, y := ch.axes()
	on.text(spot{frameLeft, 26}, anchorStart, 17, ch.title)
	var grid [][]spot
	for _, v := range y.ticks {
		at := y.place(v, frameBottom, frameTop)
		grid = append(grid, []spot{{frameLeft, at}, {frameRight, at}})
		on.text(spot{frameLeft - 8, at + 4}, anchorEnd, 12, y.label(v))
	}
	for _, v := range x.ticks {
		at := x.place(v, frameLeft, frameRight)
		grid = append(grid, []spot{{at, frameTop}, {at, frameBottom}})
		on.text(spot{at, frameBottom + 18}, anchorMiddle, 12, x.label(v))
	}
	on.stroke(grid, gridInk(), 1)
	on.stroke([][]spot{{{frameLeft, frameTop}, {frameLeft, frameBottom}, {frameRight, frameBottom}}}, textInk(), 1)
	on.text(spot{(frameLeft + frameRight) / 2, frameBottom + 38}, anchorMiddle, 12, "step")

	legend := legend{on: on, x: frameLeft}
	for i := len(ch.curves) - 1; i >= 0; i-- {
		c := &ch.curves[i]
		with := inks()[i%len(inks())]
		place := func(values []float64) [][]spot { return paths(c.steps, values, x, y) }
		if n := c.meanOver(); n > 1 {
			on.stroke(place(c.values), with.faint(), 1)
			on.stroke(place(c.mean()), with, 2.2)
		} else {
			on.stroke(place(c.values), with, 2)
		}
	}
	for i := range ch.curves {
		c := &ch.curves[i]
		name := c.name
		if n := c.meanOver(); n > 1 {
			name += fmt.Sprintf(" (mean of %d steps)", n)
		}
		legend.entry(name, inks()[i%len(inks())])
	}
	ch.marks(on, x, &legend)
}

// marks puts a cross at the bottom for each step that overflowed, a row for
// each curve.
func (ch *chart) marks(on canvas, x axis, l *legend) {
	const reach = 3.2
	marked := false
	for i, c := range ch.curves {
		with := markInk()
		if len(ch.curves) > 1 {
			with = inks()[i%len(inks())]
		}
		var crosses [][]spot
		last := math.Inf(-1)
		for _, step := range c.overflow {
			at := spot{x.place(step, frameLeft, frameRight), frameBottom - 8 - 9*float64(i)}
			if at.x-last < 1 {
				continue // on top of the one before
			}
			last = at.x
			crosses = append(crosses, []spot{{at.x - reach, at.y - reach}, {at.x + reach, at.y + reach}},
				[]spot{{at.x - reach, at.y + reach}, {at.x + reach, at.y - reach}})
		}
		if len(crosses) > 0 {
			on.stroke(crosses, with, 1.4)
			marked = true
		}
	}
	if marked {
		l.words("× overflow, or loss not finite")
	}
}

// legend is a line above the frame, written from its left end.
type legend struct {
	on canvas
	x  float64
}

const legendY = 46.0

// entry names a curve beside a piece of its line.
func (l *legend) entry(name string, with ink) {
	if l.x > frameRight-150 {
		return // there is no room for more
	}
	l.on.stroke([][]spot{{{l.x, legendY - 4}, {l.x + 16, legendY - 4}}}, with, 3)
	l.x += 24
	l.words(fit(name, 50))
}

func (l *legend) words(text string) {
	const perColumn = 6.2 // of most fonts; the canvas alone would know
	l.on.text(spot{l.x, legendY}, anchorStart, 12, text)
	l.x += float64(cells.StringWidth(text))*perColumn + 22
}

// chartColumns is how many places along a line are told apart: a run of a
// million steps must not make a file of a million spots.
const chartColumns = 1500

// paths makes lines of values; gaps are between lines. Where more steps than
// can be told apart share a place, their lowest and highest value are drawn.
func paths(steps, values []float64, x, y axis) [][]spot {
	var lines [][]spot
	var line []spot
	put := func(i int) {
		line = append(line, spot{x.place(steps[i], frameLeft, frameRight), y.place(values[i], frameBottom, frameTop)})
	}
	end := func() {
		if len(line) > 0 {
			lines = append(lines, line)
			line = nil
		}
	}
	group := max((len(values)+chartColumns-1)/chartColumns, 1)
	for from := 0; from < len(values); from += group {
		lowest, highest := -1, -1
		for i := from; i < min(from+group, len(values)); i++ {
			if math.IsNaN(values[i]) {
				continue
			}
			if lowest < 0 || values[i] < values[lowest] {
				lowest = i
			}
			if highest < 0 || values[i] > values[highest] {
				highest = i
			}
		}
		if lowest < 0 {
			end()
			continue
		}
		both := []int{lowest, highest}
		slices.Sort(both)
		for _, i := range slices.Compact(both) {
			put(i)
		}
	}
	end()
	return lines
}
