package journal

import (
	"context"

	"ftd/api"
)

const checkpointColumns = `path, rank, format, bytes, tensors, epoch, step, complete, reason, seen, gone`

// AddCheckpoint stores a checkpoint; the event is sent only if it says more
// than what was known.
func (j *Journal) AddCheckpoint(ctx context.Context, job, step, attempt string, c api.Checkpoint) error {
	return j.write(ctx, durable, func(t *tx) error {
		n, err := t.exec(`INSERT INTO checkpoints (job, attempt, path, rank, format, bytes, tensors, epoch, step, complete, reason, seen, number)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,
				(SELECT coalesce(max(number), 0) + 1 FROM checkpoints WHERE job = ?1 AND attempt = ?2))
			ON CONFLICT (job, attempt, path) DO UPDATE SET format = excluded.format, bytes = excluded.bytes, tensors = excluded.tensors,
				epoch = excluded.epoch, step = excluded.step, complete = excluded.complete, reason = excluded.reason, seen = excluded.seen,
				number = excluded.number, gone = 0
			WHERE gone OR (complete, bytes, reason, epoch, step) <> (excluded.complete, excluded.bytes, excluded.reason, excluded.epoch, excluded.step)`,
			job, attempt, c.Path, c.Rank, c.Format, c.Bytes, c.Tensors, c.Epoch, c.Step, c.Complete, c.Reason, c.Seen.UnixNano())
		if err != nil || n == 0 {
			return err
		}
		return t.event(api.Event{Job: job, Step: step, Attempt: attempt, Rank: c.Rank, Type: api.EventCheckpoint}, c)
	})
}

// DeletedCheckpoint stores that the daemon has deleted a checkpoint, and why.
func (j *Journal) DeletedCheckpoint(ctx context.Context, job, step, attempt, path, why string) error {
	return j.write(ctx, durable, func(t *tx) error {
		if err := t.must("checkpoint "+path, `UPDATE checkpoints SET gone = 1, reason = ? WHERE job = ? AND attempt = ? AND path = ?`,
			why, job, attempt, path); err != nil {
			return err
		}
		c, err := scanCheckpoint(t.QueryRowContext(t.ctx, `SELECT `+checkpointColumns+`
			FROM checkpoints WHERE job = ? AND attempt = ? AND path = ?`, job, attempt, path))
		if err != nil {
			return err
		}
		return t.event(api.Event{Job: job, Step: step, Attempt: attempt, Rank: c.Rank, Type: api.EventCheckpoint}, c)
	})
}

// Checkpoints lists an attempt's checkpoints in the order in which they were
// seen, whatever clock there was.
func (j *Journal) Checkpoints(ctx context.Context, job, attempt string) ([]api.Checkpoint, error) {
	rows, err := j.reader.QueryContext(ctx, `SELECT `+checkpointColumns+`
		FROM checkpoints WHERE job = ? AND attempt = ? ORDER BY number`, job, attempt)
	if err != nil {
		return nil, describe(err)
	}
	return collect(rows, func() (api.Checkpoint, error) { return scanCheckpoint(rows) })
}

func scanCheckpoint(r row) (c api.Checkpoint, err error) {
	var seen int64
	err = r.Scan(&c.Path, &c.Rank, &c.Format, &c.Bytes, &c.Tensors, &c.Epoch, &c.Step, &c.Complete, &c.Reason, &seen, &c.Gone)
	c.Seen = moment(seen)
	return c, err
}
