package journal

import (
	"context"
	"database/sql"
)

// statements are those that storing a batch takes, prepared once: to parse
// them takes longer than to run them.
type statements struct {
	position, point, tracker, event *sql.Stmt
}

func prepare(ctx context.Context, db *sql.DB) (s statements, err error) {
	for _, p := range []struct {
		into  **sql.Stmt
		query string
	}{
		{&s.position, `INSERT INTO files (job, attempt, rank, file, path, offset, parser) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (job, attempt, rank, file) DO UPDATE SET offset = excluded.offset, parser = excluded.parser, path = excluded.path
			RETURNING id`},
		{&s.point, `INSERT OR IGNORE INTO points
			(file, offset, time, epoch, epochs, step, total, global_step, loss, lr, step_ms, overflow, loss_scale, global_norm)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&s.tracker, `UPDATE attempts SET tracker = ? WHERE job = ? AND id = ?`},
		{&s.event, `INSERT INTO events (time, job, step, attempt, rank, type, data) VALUES (?, ?, ?, ?, ?, ?, ?)`},
	} {
		if *p.into, err = db.PrepareContext(ctx, p.query); err != nil {
			return s, err
		}
	}
	return s, nil
}
