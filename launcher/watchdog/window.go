package watchdog

import "time"

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
