package journal

import (
	"context"
	"database/sql"
	"strings"
)

// statements are those that storing a batch takes, prepared once: to parse
// them takes longer than to run them.
type statements struct {
	chunk, position, tracker, event, events *sql.Stmt
}

func prepare(ctx context.Context, db *sql.DB) (s statements, err error) {
	for _, p := range []struct {
		into  **sql.Stmt
		query string
	}{
		{&s.chunk, `INSERT INTO chunks (file, first, last, data) VALUES (?, ?, ?, ?)`},
		{&s.position, `UPDATE files SET path = ?, offset = ?, parser = ?, told = ? WHERE id = ?`},
		{&s.tracker, `UPDATE attempts SET tracker = ? WHERE job = ? AND id = ?`},
		{&s.event, insertEvent},
		{&s.events, insertEvent + strings.Repeat(`, (?, ?, ?, ?, ?, ?, ?, ?)`, eventsTogether-1)},
	} {
		if *p.into, err = db.PrepareContext(ctx, p.query); err != nil {
			return s, err
		}
	}
	return s, nil
}
