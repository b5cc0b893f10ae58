package journal

import (
	"context"
	"database/sql"
	"errors"

	"ftd/api"
)

// Submission is the key that a client gave to its request for a job, and a sum
// of what it asked for. A client that was not answered, because the daemon
// went away or the connection broke, sends the same again.
type Submission struct {
	Key string
	Sum string
	Job string
}

// CreateJobOnce is [Journal.CreateJob] for a request with a key, which is
// stored in the same transaction: there is never a job without its key. A key
// that is stored already is an error; [Journal.Submission] asks for it.
func (j *Journal) CreateJobOnce(ctx context.Context, job api.Job, submit api.Submit, s Submission) error {
	return j.write(ctx, durable, func(t *tx) error {
		if err := t.createJob(job, submit); err != nil {
			return err
		}
		_, err := t.exec(`INSERT INTO submissions (key, sum, job) VALUES (?, ?, ?)`, s.Key, s.Sum, job.ID)
		return err
	})
}

// Submission returns what was asked for with a key; ok says whether anything
// was whose job is still remembered.
func (j *Journal) Submission(ctx context.Context, key string) (s Submission, ok bool, err error) {
	s.Key = key
	err = j.reader.QueryRowContext(ctx, `SELECT sum, job FROM submissions WHERE key = ?`, key).Scan(&s.Sum, &s.Job)
	if errors.Is(err, sql.ErrNoRows) {
		return s, false, nil
	}
	return s, err == nil, describe(err)
}
