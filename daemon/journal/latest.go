package journal

import (
	"sort"
	"sync"

	"ftd/api"
)

// latestBytes is how much of the newest events is kept in memory: with a hundred
// busy trainings those of about a second.
const latestBytes = 1 << 20

// latest are the newest events. Those who follow a job, and there may be
// hundreds, want what was just stored; it need not be read from the file once
// for each of them.
type latest struct {
	mu     sync.RWMutex
	events []api.Event // without a gap, the oldest first
	bytes  int         // of their data
}

// add appends events that are stored now.
func (l *latest) add(events []api.Event) {
	if len(events) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, events...)
	for i := range events {
		l.bytes += len(events[i].Data)
	}
	drop := 0
	for ; l.bytes > latestBytes; drop++ {
		l.bytes -= len(l.events[drop].Data)
	}
	clear(l.events[:drop]) // the array may live on, their data need not
	l.events = l.events[drop:]
}

// page is [Journal.Page]. ok is false if what is asked for goes further back.
func (l *latest) page(after int64, job string) (events []api.Event, more, ok bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if len(l.events) == 0 || after < l.events[0].ID-1 {
		return nil, false, false
	}
	size := 0
	from := sort.Search(len(l.events), func(i int) bool { return l.events[i].ID > after })
	for _, e := range l.events[from:] {
		if job != "" && e.Job != job {
			continue
		}
		events = append(events, e)
		if size += len(e.Data); full(len(events), size) {
			return events, true, true
		}
	}
	return events, false, true
}

// forget is for events that were deleted.
func (l *latest) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events, l.bytes = nil, 0
}
