package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/guptarohit/asciigraph"

	"ftd/api"
)

// plotHeight is the rows of a picture of the loss, the axis not counted.
const plotHeight = 10

// flat is the difference below which losses are drawn as one level: scaling
// it up would show the rounding of the log, and overflow in the end.
const flat = 1e-9

// lossPlot draws the loss over the steps for a terminal of so many columns.
// Losses that are not finite are gaps, and are counted below. It returns ""
// where there is nothing to draw.
func lossPlot(points []api.Point, columns int) string {
	var series []float64
	gaps := 0
	lowest, highest := math.Inf(1), math.Inf(-1)
	for _, p := range points {
		loss := float64(p.Loss)
		if !finite(p.Loss) || math.Abs(loss) > math.MaxFloat32 {
			gaps++
			series = append(series, math.NaN())
			continue
		}
		series = append(series, loss)
		lowest, highest = min(lowest, loss), max(highest, loss)
	}
	if len(series) == gaps || len(series) < 2 {
		return ""
	}
	if highest-lowest < flat {
		highest = lowest
		for i, v := range series {
			if !math.IsNaN(v) {
				series[i] = lowest
			}
		}
	}
	labels := max(len(number(api.Float(lowest))), len(number(api.Float(highest))))
	width := max(columns-labels-4, 10)
	graph := asciigraph.Plot(condense(series, width),
		asciigraph.Height(plotHeight),
		asciigraph.Width(width),
		asciigraph.YAxisValueFormatter(func(v float64) string { return number(api.Float(v)) }))

	first, last := points[0].GlobalStep, points[len(points)-1].GlobalStep
	below := fmt.Sprintf("%*sstep %d", labels+3, "", first)
	end := fmt.Sprintf("step %d", last)
	below += strings.Repeat(" ", max(columns-1-len(below)-len(end), 2)) + end
	if gaps > 0 {
		below += fmt.Sprintf("\n%*s%d losses are not finite and not drawn", labels+3, "", gaps)
	}
	return graph + "\n" + below
}

// condense averages neighbouring values until there are at most n, so that no
// step is left out of a picture that is narrower than the run was long.
func condense(series []float64, n int) []float64 {
	if len(series) <= n {
		return series
	}
	out := make([]float64, n)
	for i := range out {
		from, to := i*len(series)/n, (i+1)*len(series)/n
		sum, count := 0.0, 0
		for _, v := range series[from:to] {
			if !math.IsNaN(v) {
				sum += v
				count++
			}
		}
		out[i] = sum / float64(count) // NaN, a gap, where there is none
	}
	return out
}
