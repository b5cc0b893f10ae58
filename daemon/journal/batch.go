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
	// Tracker sums up the attempt after this batch.
	Tracker []byte
}

// Problem is an error signature and the offset of its line.
type Problem struct {
	Offset int64
	Error  api.Error
}

// batch stores a batch, and the events that tell of it.
func (t *tx) batch(b Batch) error {
	file, err := t.position(b)
	if err != nil {
		return err
	}
	at := api.Event{Job: b.Job, Step: b.Step, Attempt: b.Attempt, Rank: b.Rank}
	for _, p := range b.Phases {
		at.Type = api.EventPhase
		if err := t.event(at, p); err != nil {
			return err
		}
	}
	fresh, err := t.points(file, b.Points)
	if err != nil {
		return err
	}
	if len(fresh) > 0 {
		at.Type = api.EventPoints
		if err := t.event(at, fresh); err != nil {
			return err
		}
	}
	for _, p := range b.Problems {
		if err := t.problem(file, at, p); err != nil {
			return err
		}
	}
	_, err = t.prepared(t.journal.statements.tracker).ExecContext(t.ctx, string(b.Tracker), b.Job, b.Attempt)
	return err
}

// position moves the file's offset and parser state, and returns its row.
func (t *tx) position(b Batch) (file int64, err error) {
	err = t.prepared(t.journal.statements.position).
		QueryRowContext(t.ctx, b.Job, b.Attempt, b.Rank, b.File, b.Path, b.Offset, b.Parser).Scan(&file)
	return file, err
}

// points stores the points that are not there yet, and returns them.
func (t *tx) points(file int64, points []api.Point) (fresh []api.Point, err error) {
	insert := t.prepared(t.journal.statements.point)
	for _, p := range points {
		r, err := insert.ExecContext(t.ctx, file, p.Offset, p.Time.UnixNano(), p.Epoch, p.Epochs, p.Step, p.Total, p.GlobalStep,
			number{&p.Loss}, number{p.LR}, number{&p.StepMS}, truth(p.Overflow), number{p.LossScale}, number{p.GlobalNorm})
		if err != nil {
			return nil, err
		}
		if n, err := r.RowsAffected(); err != nil {
			return nil, err
		} else if n > 0 {
			fresh = append(fresh, p)
		}
	}
	return fresh, nil
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
	err := j.reader.QueryRowContext(ctx, `SELECT file, offset, parser FROM files
		WHERE job = ? AND attempt = ? AND rank = ? ORDER BY id DESC LIMIT 1`, job, attempt, rank).Scan(&p.File, &p.Offset, &p.Parser)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return p, describe(err)
}

// AddCheckpoint stores a checkpoint; the event is sent only if it says more
// than what was known.
func (j *Journal) AddCheckpoint(ctx context.Context, job, step, attempt string, c api.Checkpoint) error {
	return j.write(ctx, durable, func(t *tx) error {
		n, err := t.exec(`INSERT INTO checkpoints (job, attempt, path, rank, format, bytes, tensors, epoch, step, complete, reason, seen)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (job, attempt, path) DO UPDATE SET format = excluded.format, bytes = excluded.bytes, tensors = excluded.tensors,
				epoch = excluded.epoch, step = excluded.step, complete = excluded.complete, reason = excluded.reason, seen = excluded.seen
			WHERE (complete, bytes, reason, epoch, step) <> (excluded.complete, excluded.bytes, excluded.reason, excluded.epoch, excluded.step)`,
			job, attempt, c.Path, c.Rank, c.Format, c.Bytes, c.Tensors, c.Epoch, c.Step, c.Complete, c.Reason, c.Seen.UnixNano())
		if err != nil || n == 0 {
			return err
		}
		return t.event(api.Event{Job: job, Step: step, Attempt: attempt, Rank: c.Rank, Type: api.EventCheckpoint}, c)
	})
}

// Checkpoints lists an attempt's checkpoints in the order in which they were
// seen.
func (j *Journal) Checkpoints(ctx context.Context, job, attempt string) ([]api.Checkpoint, error) {
	rows, err := j.reader.QueryContext(ctx, `SELECT path, rank, format, bytes, tensors, epoch, step, complete, reason, seen
		FROM checkpoints WHERE job = ? AND attempt = ? ORDER BY seen, path`, job, attempt)
	if err != nil {
		return nil, describe(err)
	}
	return collect(rows, func() (c api.Checkpoint, err error) {
		var seen int64
		err = rows.Scan(&c.Path, &c.Rank, &c.Format, &c.Bytes, &c.Tensors, &c.Epoch, &c.Step, &c.Complete, &c.Reason, &seen)
		c.Seen = moment(seen)
		return c, err
	})
}
