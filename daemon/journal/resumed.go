package journal

import "context"

// ResumeJob puts a job that ended without success back in line, with the steps
// that are not done, and reports whether it did: one that is at work, or has
// succeeded, stays as it is. What is done stays done, attempts stay.
func (j *Journal) ResumeJob(ctx context.Context, id string) (resumed bool, err error) {
	err = j.write(ctx, durable, func(t *tx) error {
		n, err := t.exec(`UPDATE jobs SET state = 'queued', error = NULL, ended = NULL
			WHERE id = ? AND state NOT IN ('queued', 'running', 'stopping', 'succeeded')`, id)
		if resumed = n > 0; err != nil || !resumed {
			return err
		}
		if err := t.resumeSteps(id); err != nil {
			return err
		}
		return t.jobEvent(id)
	})
	return resumed, err
}

func (t *tx) resumeSteps(job string) error {
	rows, err := t.QueryContext(t.ctx, `SELECT id FROM steps WHERE job = ? AND state NOT IN ('succeeded', 'skipped', 'queued') ORDER BY position`, job)
	if err != nil {
		return err
	}
	steps, err := collect(rows, func() (string, error) {
		var id string
		err := rows.Scan(&id)
		return id, err
	})
	if err != nil {
		return err
	}
	for _, step := range steps {
		_, err := t.exec(`UPDATE steps SET state = 'queued', error = NULL, started = NULL, ended = NULL,
				earlier = (SELECT count(*) FROM attempts WHERE job = ?1 AND step = ?2)
			WHERE job = ?1 AND id = ?2`, job, step)
		if err == nil {
			err = t.stepEvent(job, step)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// EarlierAttempts counts, by step, the attempts from before the job was last
// resumed by a person. Steps that were never resumed are left out.
func (j *Journal) EarlierAttempts(ctx context.Context, job string) (map[string]int, error) {
	rows, err := j.reader.QueryContext(ctx, `SELECT id, earlier FROM steps WHERE job = ? AND earlier > 0`, job)
	if err != nil {
		return nil, describe(err)
	}
	type counted struct {
		step string
		n    int
	}
	list, err := collect(rows, func() (c counted, err error) { err = rows.Scan(&c.step, &c.n); return c, err })
	counts := map[string]int{}
	for _, c := range list {
		counts[c.step] = c.n
	}
	return counts, err
}
