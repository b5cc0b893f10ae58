package journal

import (
	"context"
	"database/sql"
	"errors"

	"ftd/api"
)

// Batch is what one read of a rank's log gave. It is stored as a whole or not
// at all, so that reading goes on after a crash where the stored records end.
type Batch struct {
	Job, Step, Attempt string
	Rank               int
	// File names the log file for as long as it exists; Path is for people.
	File, Path string
	// Offset and Parser are where and how the next read begins.
	Offset int64
	Parser []byte

	Points   []api.Point
	Problems []Problem
	// Phases are the changes of phase, in order.
	Phases []api.PhaseChange
	// Tracker sums up the attempt after this batch. It is stored as JSON, at
	// some later time: it must not change any more.
	Tracker any
}

// Problem is an error signature and the offset of its line.
type Problem struct {
	Offset int64
	Error  api.Error
}

// batch stores a batch, and the events that tell of it.
func (t *tx) batch(b Batch) error {
	at := place{b.Job, b.Attempt}
	r := t.recent(at)
	from := source{b.Rank, b.File}
	file, known := r.files[from]
	if !known {
		var err error
		if file, err = t.open(&b); err != nil {
			return err
		}
	}
	file, fresh := file.add(&b)
	event := api.Event{Job: b.Job, Step: b.Step, Attempt: b.Attempt, Rank: b.Rank}
	for _, p := range b.Phases {
		event.Type = api.EventPhase
		if err := t.event(event, p); err != nil {
			return err
		}
	}
	if len(fresh) > 0 {
		event.Type = api.EventPoints
		if err := t.event(event, fresh); err != nil {
			return err
		}
		file.told = t.lastEvent()
	}
	for _, p := range b.Problems {
		if err := t.problem(file.row, event, p); err != nil {
			return err
		}
	}
	r.files[from], r.tracker = file, b.Tracker
	t.recents[at] = r
	// Of phases and problems nothing but the position tells that they were
	// seen, and of a file only its row.
	if known && len(b.Phases) == 0 && len(b.Problems) == 0 && t.now.Sub(r.stored) < keepRecent {
		return nil
	}
	return t.settle(at, r)
}

func (t *tx) problem(file int64, at api.Event, p Problem) error {
	data, err := text(p.Error)
	if err != nil {
		return err
	}
	n, err := t.exec(`INSERT OR IGNORE INTO problems (file, offset, code, error) VALUES (?, ?, ?, ?)`,
		file, p.Offset, p.Error.Code, data)
	if err != nil || n == 0 {
		return err
	}
	at.Type = api.EventProblem
	return t.event(at, p.Error)
}

// Position is where reading a rank's log goes on.
type Position struct {
	File   string
	Offset int64
	Parser []byte
}

// Position returns the stored position in the newest file of a rank, zero if
// none was read yet.
func (j *Journal) Position(ctx context.Context, job, attempt string, rank int) (Position, error) {
	var p Position
	if err := j.settle(ctx, job); err != nil {
		return p, err
	}
	err := j.reader.QueryRowContext(ctx, `SELECT file, offset, parser FROM files
		WHERE job = ? AND attempt = ? AND rank = ? ORDER BY id DESC LIMIT 1`, job, attempt, rank).Scan(&p.File, &p.Offset, &p.Parser)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return p, describe(err)
}
