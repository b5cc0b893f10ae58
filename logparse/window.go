package logparse

import "slices"

// windowSize is over how many of the last values medians and percentiles are
// taken: enough to be steady, and bounded however long a training lasts.
const windowSize = 4096

// window holds the last values of a series.
type window struct {
	values []float64
	next   int
}

func (w *window) add(v float64) {
	if len(w.values) < windowSize {
		w.values = append(w.values, v)
		return
	}
	w.values[w.next] = v
	w.next = (w.next + 1) % windowSize
}

// newest appends the newest values to room, as many as fit.
func (w *window) newest(room []float64) []float64 {
	n := min(cap(room)-len(room), len(w.values))
	for i := len(w.values) - n; i < len(w.values); i++ {
		room = append(room, w.values[(w.next+i)%len(w.values)])
	}
	return room
}

// quantiles returns the values below which the given shares of the window lie.
func (w *window) quantiles(shares ...float64) []float64 {
	return quantiles(w.values, shares...)
}

func quantiles(values []float64, shares ...float64) []float64 {
	out := make([]float64, len(shares))
	if len(values) == 0 {
		return out
	}
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	for i, q := range shares {
		out[i] = sortedQuantile(sorted, q)
	}
	return out
}

// sortedQuantile is the value below which that share of the sorted values lies.
func sortedQuantile(sorted []float64, share float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := share * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (sorted[high]-sorted[low])*(at-float64(low))
}
