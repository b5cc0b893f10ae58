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

// isFlat says whether values are drawn as one level: scaling up a difference
// this small would show the rounding of the log, and overflow in the end.
// Learning rates are small themselves, and are not flat.
func isFlat(lowest, highest float64) bool {
	d := highest - lowest
	return d < 1e-30 || (d < 1e-9 && d < 1e-6*math.Abs(highest))
}

// lossPlot draws the loss over the steps for a terminal of so many columns.
// Losses that are not finite are gaps, and are counted below. It returns ""
// where there is nothing to draw.
func lossPlot(points []api.Point, columns int) string {
	series := make([]float64, len(points))
	for i := range points {
		series[i] = float64(points[i].Loss)
	}
	graph, margin, gaps := drawRows(series, columns, plotHeight)
	if graph == "" {
		return ""
	}
	below := stepAxis(points[0].GlobalStep, points[len(points)-1].GlobalStep, margin, columns)
	if gaps > 0 {
		below += fmt.Sprintf("\n%*s%d losses are not finite and not drawn", margin, "", gaps)
	}
	return graph + "\n" + below
}

// stepAxis is the line below a picture that begins after a margin.
func stepAxis(first, last int64, margin, columns int) string {
	line := fmt.Sprintf("%*sstep %d", margin, "", first)
	end := fmt.Sprintf("step %d", last)
	return line + strings.Repeat(" ", max(columns-1-len(line)-len(end), 2)) + end
}

// drawRows draws a series in so many columns and rows. What is not finite is a
// gap and counted; margin is the columns of the axis. The graph is "" where
// there is nothing to draw. It changes the series.
func drawRows(series []float64, columns, rows int) (graph string, margin, gaps int) {
	lowest, highest := math.Inf(1), math.Inf(-1)
	for i, v := range series {
		if math.IsNaN(v) || math.Abs(v) > math.MaxFloat32 {
			gaps++
			series[i] = math.NaN()
			continue
		}
		lowest, highest = min(lowest, v), max(highest, v)
	}
	if len(series) == gaps || len(series) < 2 {
		return "", 0, gaps
	}
	if isFlat(lowest, highest) {
		highest = lowest
		for i, v := range series {
			if !math.IsNaN(v) {
				series[i] = lowest
			}
		}
	}
	labels := max(len(number(api.Float(lowest))), len(number(api.Float(highest))))
	width := max(columns-labels-4, 10)
	return asciigraph.Plot(condense(series, width),
		asciigraph.Height(rows),
		asciigraph.Width(width),
		asciigraph.YAxisValueFormatter(func(v float64) string { return number(api.Float(v)) })), labels + 3, gaps
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
