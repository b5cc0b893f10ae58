package main

import (
	"sort"

	"ftd/api"
)

// series is a training's points as one run of the model: every step once, in
// order. The zero value is empty.
//
// An attempt that goes on from a checkpoint does steps again that an earlier
// one had done; what the earlier one made of them is not in the model, so the
// later one counts. Of an attempt with several ranks the first one that
// reports is taken: all of them log the same loss.
type series struct {
	points  []api.Point
	attempt string
	rank    int
}

// add takes a point in and reports whether it belongs to the series.
func (s *series) add(p api.Point) bool {
	var last api.Point
	if len(s.points) > 0 {
		last = s.points[len(s.points)-1]
	}
	switch {
	case p.Attempt != s.attempt || len(s.points) == 0:
		s.attempt, s.rank = p.Attempt, p.Rank
		from := sort.Search(len(s.points), func(i int) bool { return s.points[i].GlobalStep >= p.GlobalStep })
		s.points = s.points[:from]
	case p.Rank != s.rank:
		return false
	case p.Offset <= last.Offset && p.GlobalStep <= last.GlobalStep:
		// Seen already: a page and an event may overlap. A later step at a
		// lower offset stands in another file: the log was emptied or rotated.
		return false
	}
	s.points = append(s.points, p)
	return true
}
