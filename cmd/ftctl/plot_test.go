package main

import (
	"math"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"
	"github.com/stretchr/testify/require"

	"ftd/api"
)

func falling(n int) []api.Float {
	values := make([]api.Float, n)
	for i := range values {
		values[i] = api.Float(4 + 6*math.Exp(-3*float64(i)/float64(n)) + 0.2*math.Sin(float64(i)))
	}
	return values
}

func TestPlotOfALoss(t *testing.T) {
	golden(t, "plot.txt", lossPlot(losses(falling(100)...), 80)+"\n")
}

func TestPlotWithGaps(t *testing.T) {
	values := falling(40)
	for i := 15; i < 22; i++ {
		values[i] = api.Float(math.NaN())
	}
	values[22] = api.Float(math.Inf(1))
	golden(t, "plot-gaps.txt", lossPlot(losses(values...), 60)+"\n")
}

func TestPlotOfNothing(t *testing.T) {
	nan := api.Float(math.NaN())
	require.Empty(t, lossPlot(nil, 80))
	require.Empty(t, lossPlot(losses(5), 80))
	require.Empty(t, lossPlot(losses(nan, nan, nan), 80))
}

func TestPlotFitsTheTerminal(t *testing.T) {
	for _, columns := range []int{30, 60, 80, 200} {
		for _, n := range []int{2, 3, 79, 1000} {
			for line := range strings.Lines(lossPlot(losses(falling(n)...), columns)) {
				require.Less(t, runewidth.StringWidth(strings.TrimSuffix(line, "\n")), columns, "%d points in %d columns", n, columns)
			}
		}
	}
}

func FuzzPlot(f *testing.F) {
	f.Add(5.0, 4.0, 3.0, 80)
	f.Add(1e308, -1e308, math.NaN(), 1)
	f.Add(5.0, 5.0, math.Nextafter(5, 6), -3)
	f.Add(math.Inf(1), 0.0, math.SmallestNonzeroFloat64, 12)
	f.Fuzz(func(_ *testing.T, a, b, c float64, columns int) {
		lossPlot(losses(api.Float(a), api.Float(b), api.Float(c)), min(columns, 500))
	})
}
