package journal

import (
	"context"
	"database/sql"
	"time"

	"ftd/api"
)

const stepColumns = `id, uses, state, key, isolation, started, ended, outputs, error`

// SetStep stores a step's state, key, outputs and error. The times follow from
// the state.
func (j *Journal) SetStep(ctx context.Context, job string, s api.Step, at time.Time) error {
	outputs, err := text(s.Outputs)
	if err != nil {
		return err
	}
	why, err := text(s.Error)
	if err != nil {
		return err
	}
	return j.write(ctx, durable, func(t *tx) error {
		err := t.must("step "+s.ID+" in job "+job, `UPDATE steps SET state = ?1, error = ?2, outputs = ?3,
				key = CASE WHEN ?4 = '' THEN key ELSE ?4 END,
				started = CASE WHEN ?1 = 'running' THEN coalesce(started, ?5) ELSE started END,
				ended = CASE WHEN ?1 IN `+active+` THEN NULL ELSE ?5 END
			WHERE job = ?6 AND id = ?7`, s.State, why, outputs, s.Key, at.UnixNano(), job, s.ID)
		if err != nil {
			return err
		}
		return t.stepEvent(job, s.ID)
	})
}

func (t *tx) stepEvent(job, id string) error {
	step, err := scanStep(t.QueryRowContext(t.ctx, `SELECT `+stepColumns+` FROM steps WHERE job = ? AND id = ?`, job, id))
	if err != nil {
		return err
	}
	return t.event(api.Event{Job: job, Step: id, Type: api.EventStep}, step)
}

func scanStep(r row) (api.Step, error) {
	var (
		s              api.Step
		started, ended sql.NullInt64
		outputs, why   sql.NullString
	)
	err := r.Scan(&s.ID, &s.Uses, &s.State, &s.Key, &s.Isolation, &started, &ended, &outputs, &why)
	if err != nil {
		return s, err
	}
	s.Started, s.Ended = optional(started), optional(ended)
	if err := fill(outputs, &s.Outputs); err != nil {
		return s, err
	}
	return s, fill(why, &s.Error)
}

func (j *Journal) steps(ctx context.Context, job string) ([]api.Step, error) {
	rows, err := j.reader.QueryContext(ctx, `SELECT `+stepColumns+` FROM steps WHERE job = ? ORDER BY position`, job)
	if err != nil {
		return nil, describe(err)
	}
	return collect(rows, func() (api.Step, error) { return scanStep(rows) })
}
