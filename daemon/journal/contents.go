package journal

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// keepContent is how long it is remembered what a file contained.
const keepContent = 90 * 24 * time.Hour

// Content returns the sum that was stored for a file when it had this look; ok
// is false if there is none.
func (j *Journal) Content(ctx context.Context, path, look string) (sum string, ok bool, err error) {
	err = j.reader.QueryRowContext(ctx, `SELECT sum FROM contents WHERE path = ? AND look = ?`, path, look).Scan(&sum)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return sum, err == nil, describe(err)
}

// PutContent stores the sum of a file that has this look. It may be lost in a
// crash: the file is read again then.
func (j *Journal) PutContent(ctx context.Context, path, look, sum string) error {
	return j.write(ctx, ordered, func(t *tx) error {
		if _, err := t.exec(`DELETE FROM contents WHERE time < ?`, t.now.Add(-keepContent).UnixNano()); err != nil {
			return err
		}
		_, err := t.exec(`INSERT OR REPLACE INTO contents (path, look, sum, time) VALUES (?, ?, ?, ?)`, path, look, sum, t.now.UnixNano())
		return err
	})
}
