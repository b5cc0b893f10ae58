package journal

import "context"

// BeginCall notes that a step calls into the daemon's own interpreter, during
// that boot of the machine. Only a crash keeps [Journal.EndCall] from being
// called.
func (j *Journal) BeginCall(ctx context.Context, job, step, boot string) error {
	return j.write(ctx, durable, func(t *tx) error {
		_, err := t.exec(`INSERT OR REPLACE INTO calls (job, step, boot) VALUES (?, ?, ?)`, job, step, boot)
		return err
	})
}

// EndCall notes that the call has returned, however.
func (j *Journal) EndCall(ctx context.Context, job, step string) error {
	return j.write(ctx, durable, func(t *tx) error {
		_, err := t.exec(`DELETE FROM calls WHERE job = ? AND step = ?`, job, step)
		return err
	})
}

// Crash is a step that took the daemon down.
type Crash struct{ Job, Step string }

// FindCrashes is for the start of the daemon: calls that had not returned when
// the last one ended become crashes, unless the machine itself went down.
func (j *Journal) FindCrashes(ctx context.Context, boot string) ([]Crash, error) {
	var found []Crash
	err := j.write(ctx, durable, func(t *tx) error {
		rows, err := t.QueryContext(t.ctx, `SELECT job, step FROM calls WHERE boot = ?`, boot)
		if err != nil {
			return err
		}
		if found, err = collect(rows, func() (c Crash, err error) { return c, rows.Scan(&c.Job, &c.Step) }); err != nil {
			return err
		}
		_, err = t.exec(`INSERT OR REPLACE INTO crashes (job, step, key, time)
			SELECT s.job, s.id, s.key, ? FROM calls c JOIN steps s ON s.job = c.job AND s.id = c.step WHERE c.boot = ?`,
			t.now.UnixNano(), boot)
		if err != nil {
			return err
		}
		_, err = t.exec(`DELETE FROM calls`)
		return err
	})
	return found, err
}

// Crashed reports whether this step, or one with the same key in any job, took
// the daemon down before.
func (j *Journal) Crashed(ctx context.Context, job, step string) (crashed bool, err error) {
	err = j.reader.QueryRowContext(ctx, `SELECT EXISTS (
		SELECT 1 FROM crashes c, steps s WHERE s.job = ?1 AND s.id = ?2
			AND (c.job = ?1 AND c.step = ?2 OR c.key = s.key AND s.key <> ''))`, job, step).Scan(&crashed)
	return crashed, describe(err)
}
