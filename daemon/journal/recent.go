package journal

import (
	"context"
	"encoding/json"
	"maps"
	"sync"
	"time"

	"ftd/api"
)

// keepRecent is how long what was read may wait for its place in the tables.
const keepRecent = time.Second

// recents are what the trainings at work have logged within the last second.
// That of a busy one comes in twenty batches a second: each of them is stored
// as the event that tells of its points, and only now and then are points,
// positions and summary put where they are looked up.
//
// Nothing depends on this memory. After a crash [Journal.catchUp] takes the
// points from the events; the log is read again from the position that was
// stored with the summary, and what comes a second time is known by its offset.
type recents struct {
	mu sync.Mutex
	of map[place]recent
}

// place is an attempt of a job.
type place struct{ job, attempt string }

// recent is what an attempt has logged. It is stored as a whole: the summary
// fits the positions of all ranks, or after a crash some steps would be counted
// twice.
type recent struct {
	stored  time.Time // when it was stored last
	tracker any       // the summary; nil if it is stored
	files   map[source]tail
}

// source is a log file of a rank.
type source struct {
	rank int
	file string
}

// tail is the end of a log file, as far as it was read.
type tail struct {
	row    int64 // in files
	path   string
	offset int64
	parser []byte
	newest int64 // offset of the newest point, -1 if there is none
	told   int64 // the event that told of it
	points chunk // that are not in chunks yet
	moved  bool  // the row is older than this
}

// recent returns what is known of an attempt, for this transaction to change.
func (t *tx) recent(at place) recent {
	r, ok := t.recents[at]
	if !ok {
		t.journal.recents.mu.Lock()
		r = t.journal.recents.of[at]
		t.journal.recents.mu.Unlock()
		r.files = maps.Clone(r.files)
	}
	if r.files == nil {
		r.files = map[source]tail{}
	}
	return r
}

// keep takes over what committed transactions have changed.
func (r *recents) keep(changed map[place]recent) {
	if len(changed) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil {
		r.of = map[place]recent{}
	}
	for at, now := range changed {
		// It has ended, maybe since somebody wanted it settled.
		if len(now.files) == 0 {
			delete(r.of, at)
		} else {
			r.of[at] = now
		}
	}
}

// unsettled lists the attempts of a job, or of all, that are not yet stored
// as a whole.
func (r *recents) unsettled(job string) (list []place) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for at, now := range r.of {
		if now.tracker != nil && (job == "" || at.job == job) {
			list = append(list, at)
		}
	}
	return list
}

// known lists the attempts of a job that something is remembered of.
func (r *recents) known(job string) (list []place) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for at := range r.of {
		if at.job == job {
			list = append(list, at)
		}
	}
	return list
}

// tracker returns the summary of an attempt if the table has an older one.
func (r *recents) tracker(at place) (json.RawMessage, error) {
	r.mu.Lock()
	newest := r.of[at].tracker
	r.mu.Unlock()
	if newest == nil {
		return nil, nil
	}
	return json.Marshal(newest)
}

// settle puts what an attempt has logged into the tables.
func (t *tx) settle(at place, r recent) error {
	for s, f := range r.files {
		if f.points.points > 0 {
			if _, err := t.prepared(t.journal.statements.chunk).ExecContext(t.ctx, f.row, f.points.first, f.points.last, f.points.data); err != nil {
				return err
			}
		}
		if f.moved {
			if _, err := t.prepared(t.journal.statements.position).ExecContext(t.ctx, f.path, f.offset, f.parser, f.told, f.row); err != nil {
				return err
			}
		}
		f.points, f.moved = chunk{}, false
		r.files[s] = f
	}
	if r.tracker != nil {
		text, err := json.Marshal(r.tracker)
		if err != nil {
			return err
		}
		if _, err := t.prepared(t.journal.statements.tracker).ExecContext(t.ctx, string(text), at.job, at.attempt); err != nil {
			return err
		}
	}
	r.stored, r.tracker = t.now, nil
	t.recents[at] = r
	return nil
}

// open begins to remember a log file.
func (t *tx) open(b *Batch) (tail, error) {
	f := tail{path: b.Path}
	err := t.QueryRowContext(t.ctx, `INSERT INTO files (job, attempt, rank, file, path, offset, parser) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (job, attempt, rank, file) DO UPDATE SET path = excluded.path
		RETURNING id, told, coalesce((SELECT max(last) FROM chunks WHERE chunks.file = files.id), -1)`,
		b.Job, b.Attempt, b.Rank, b.File, b.Path, b.Offset, b.Parser).Scan(&f.row, &f.told, &f.newest)
	return f, err
}

// add is the file after a batch, and which of its points are new.
func (f tail) add(b *Batch) (next tail, fresh []api.Point) {
	for i := range b.Points {
		p := &b.Points[i]
		if p.Offset <= f.newest {
			continue // it was read before
		}
		f.newest, f.points = p.Offset, f.points.with(p)
		if fresh == nil {
			fresh = make([]api.Point, 0, len(b.Points)-i)
		}
		fresh = append(fresh, *p)
	}
	f.path, f.offset, f.parser, f.moved = b.Path, b.Offset, b.Parser, true
	return f, fresh
}

// end puts what an attempt has logged into the tables, and forgets it.
func (t *tx) end(at place) error {
	if err := t.settle(at, t.recent(at)); err != nil {
		return err
	}
	t.recents[at] = recent{}
	return nil
}

// settle puts what the trainings of a job, or all, have logged into the tables.
func (j *Journal) settle(ctx context.Context, job string) error {
	waiting := j.recents.unsettled(job)
	if len(waiting) == 0 {
		return nil
	}
	return j.write(ctx, ordered, func(t *tx) error {
		for _, at := range waiting {
			if err := t.settle(at, t.recent(at)); err != nil {
				return err
			}
		}
		return nil
	})
}
