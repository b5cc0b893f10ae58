package journal

import (
	"context"
	"database/sql"
	"errors"
)

// Result is what a step made, for later jobs to use again.
type Result struct {
	Key     string
	Dir     string
	Outputs map[string]string
}

// Result returns the result stored under key; ok is false if there is none.
func (j *Journal) Result(ctx context.Context, key string) (r Result, ok bool, err error) {
	var outputs sql.NullString
	r.Key = key
	err = j.reader.QueryRowContext(ctx, `SELECT dir, outputs FROM results WHERE key = ?`, key).Scan(&r.Dir, &outputs)
	if errors.Is(err, sql.ErrNoRows) {
		return r, false, nil
	}
	if err != nil {
		return r, false, describe(err)
	}
	return r, true, fill(outputs, &r.Outputs)
}

// PutResult stores a result, in place of an older one of the same key.
func (j *Journal) PutResult(ctx context.Context, r Result) error {
	outputs, err := text(r.Outputs)
	if err != nil {
		return err
	}
	if !outputs.Valid {
		outputs.String = "{}"
	}
	return j.write(ctx, durable, func(t *tx) error {
		_, err := t.exec(`INSERT OR REPLACE INTO results (key, dir, outputs, created) VALUES (?, ?, ?, ?)`,
			r.Key, r.Dir, outputs.String, t.now.UnixNano())
		return err
	})
}

// DropResult forgets the result of key, if there is one.
func (j *Journal) DropResult(ctx context.Context, key string) error {
	return j.write(ctx, durable, func(t *tx) error {
		_, err := t.exec(`DELETE FROM results WHERE key = ?`, key)
		return err
	})
}
