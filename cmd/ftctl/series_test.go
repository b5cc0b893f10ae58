package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

func TestSeriesHasEveryStepOnce(t *testing.T) {
	var s series
	add := func(attempt string, rank int, steps ...int64) {
		for _, n := range steps {
			s.add(api.Point{Attempt: attempt, Rank: rank, GlobalStep: n, Offset: n * 10})
		}
	}
	steps := func() (all []int64) {
		for _, p := range s.points {
			all = append(all, p.GlobalStep)
		}
		return all
	}
	add("train.1", 0, 1, 2, 3, 4)
	add("train.1", 1, 1, 2, 3, 4) // another rank says the same
	add("train.1", 0, 3, 4, 5)    // a page and an event overlap
	require.Equal(t, []int64{1, 2, 3, 4, 5}, steps())
	add("train.2", 0, 3, 4) // goes on from a checkpoint of step 2
	require.Equal(t, []int64{1, 2, 3, 4}, steps())
	require.Equal(t, "train.2", s.points[2].Attempt)
	require.Equal(t, "train.1", s.points[1].Attempt)
	add("train.3", 0, 1) // from the beginning
	require.Equal(t, []int64{1}, steps())
}

func TestSeriesKeepsWhatTheLogSays(t *testing.T) {
	// A command that trains twice counts from one again; that is in the log,
	// and nothing of it may be left out.
	var s series
	for i, n := range []int64{1, 2, 1, 2} {
		require.True(t, s.add(api.Point{Attempt: "train.1", GlobalStep: n, Offset: int64(i)}))
	}
	require.Len(t, s.points, 4)
}

// A log that is emptied, or rotated, begins again at its first byte.
func TestSeriesGoesOnInTheNextFile(t *testing.T) {
	var s series
	for step := range int64(20) {
		require.True(t, s.add(api.Point{Attempt: "train.1", GlobalStep: step + 1, Offset: 500 * (step % 10)}))
	}
	require.False(t, s.add(api.Point{Attempt: "train.1", GlobalStep: 20, Offset: 4500}), "it was added already")
	require.Len(t, s.points, 20)
}
