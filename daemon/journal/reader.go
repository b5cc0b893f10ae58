package journal

import (
	"context"
	"database/sql"
	"sync"
)

// reader asks the journal. It keeps what was asked once prepared: to parse a
// query takes longer than to answer it. The texts of queries are constants of
// this package, so there is an end to them.
type reader struct {
	*sql.DB
	mu    sync.Mutex
	ready map[string]*sql.Stmt
}

func newReader(db *sql.DB) *reader { return &reader{DB: db, ready: map[string]*sql.Stmt{}} }

func (r *reader) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.ready[query]; s != nil {
		return s, nil
	}
	s, err := r.PrepareContext(ctx, query)
	if err == nil {
		r.ready[query] = s
	}
	return s, err
}

// QueryContext is [sql.DB.QueryContext] with the query prepared.
func (r *reader) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := r.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// QueryRowContext is [sql.DB.QueryRowContext] with the query prepared.
func (r *reader) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	s, err := r.prepared(ctx, query)
	if err != nil {
		return r.DB.QueryRowContext(ctx, query, args...) // which gives the same error
	}
	return s.QueryRowContext(ctx, args...)
}
