package watchdog

import (
	"slices"

	"ftd/logparse"
)

// recentPlaces is how many of the newest steps of a log are remembered: ranks
// that train together are not further apart.
const recentPlaces = 8

// places remembers which steps a log told of last. Several ranks may print into
// one file, and a step that all of them tell of is still one: eight ranks that
// overflow 13 times are no series of 104.
type places struct{ newest []place }

type place struct{ epoch, step int64 }

// again reports whether a step was told of before, and remembers it.
func (p *places) again(s *logparse.Step) bool {
	at := place{s.Epoch, s.Step}
	if slices.Contains(p.newest, at) {
		return true
	}
	if len(p.newest) == recentPlaces {
		p.newest = slices.Delete(p.newest, 0, 1)
	}
	p.newest = append(p.newest, at)
	return false
}
