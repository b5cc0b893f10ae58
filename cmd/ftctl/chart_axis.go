package main

import (
	"math"
	"strconv"
)

// axis is a range of values and where it is labelled.
type axis struct {
	low, high float64
	step      float64
	ticks     []float64
}

// axes are those that all curves fit on.
func (ch *chart) axes() (x, y axis) {
	xs, ys := axis{low: math.Inf(1), high: math.Inf(-1)}, axis{low: math.Inf(1), high: math.Inf(-1)}
	for _, c := range ch.curves {
		for i, v := range c.values {
			xs.low, xs.high = min(xs.low, c.steps[i]), max(xs.high, c.steps[i])
			if !math.IsNaN(v) {
				ys.low, ys.high = min(ys.low, v), max(ys.high, v)
			}
		}
	}
	xs.choose(10, 1)
	if ys.high-ys.low < max(1e-12*math.Abs(ys.high), 1e-30) { // a constant
		room := max(math.Abs(ys.high)*0.1, 1e-12)
		ys.low, ys.high = ys.low-room, ys.high+room
	}
	margin := (ys.high - ys.low) * 0.06
	if ys.low >= 0 {
		ys.low = max(ys.low-margin, 0)
	} else {
		ys.low -= margin
	}
	ys.high += margin / 2
	ys.choose(8, 0)
	return xs, ys
}

// choose picks round ticks, about n of them and at least so far apart.
func (a *axis) choose(n int, least float64) {
	if a.high <= a.low {
		a.high = a.low + 1
	}
	raw := (a.high - a.low) / float64(n)
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5, 10} {
		if a.step = m * power; a.step >= raw {
			break
		}
	}
	a.step = max(a.step, least)
	for k := math.Ceil(a.low / a.step); k*a.step <= a.high; k++ {
		a.ticks = append(a.ticks, k*a.step)
	}
}

// place is where a value is between two ends of the canvas.
func (a *axis) place(v, from, to float64) float64 {
	return from + (v-a.low)/(a.high-a.low)*(to-from)
}

// label writes a tick with the digits that tell it from the next.
func (a *axis) label(v float64) string {
	if v == 0 {
		return "0"
	}
	if a.step < 1e-4 || math.Abs(v) >= 1e7 {
		digits := int(math.Floor(math.Log10(math.Abs(v)))-math.Floor(math.Log10(a.step))) + 1
		return strconv.FormatFloat(v, 'g', max(digits, 1), 64)
	}
	return strconv.FormatFloat(v, 'f', max(-int(math.Floor(math.Log10(a.step)+1e-9)), 0), 64)
}
