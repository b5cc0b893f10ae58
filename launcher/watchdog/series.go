package watchdog

import "time"

// series counts bad steps in a row.
type series struct {
	count int
	lines int // that told of them
	since time.Time
}

// add takes a line into account that stands for so many steps.
func (s *series) add(bad bool, steps int, at time.Time) {
	if !bad {
		*s = series{}
		return
	}
	if s.count == 0 {
		s.since = at
	}
	s.count += steps
	s.lines++
}

// window counts bad steps among the last ones.
type window struct {
	bad   []bool
	count int
	since time.Time // the first bad one of a window that had none before
}

func (w *window) add(bad bool, steps, of int, at time.Time) {
	for range steps {
		if len(w.bad) >= of {
			if w.bad[0] {
				w.count--
			}
			w.bad = w.bad[1:]
		}
		if bad && w.count == 0 {
			w.since = at
		}
		if w.bad = append(w.bad, bad); bad {
			w.count++
		}
	}
}
