// Package journal remembers. It is one SQLite file that holds jobs, steps and
// attempts, what was read from the logs of trainings and how far, events, and
// the results of steps.
//
// What it promises: a change that was acknowledged survives a crash of the
// machine (jobs, steps, attempts, results: synchronous=FULL). What was read from
// a log is stored as the events that tell of it, and then in the tables in one
// transaction with the place where reading goes on (see recents): after a crash
// none is lost and none is doubled.
//
// [Open] opens it, and moves an older file up to the present schema. There is
// one writer; readers see a snapshot and never wait for it.
package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"ftd/api"
)

// Journal is an open journal. It may be used by several goroutines.
type Journal struct {
	path string
	now  func() time.Time

	writer *sql.DB // one connection
	reader *reader // several; the writer itself on a network filesystem
	turn   chan struct{}
	paging chan struct{} // of those who read pages of events

	// Of whoever has the turn.
	statements statements
	waitsFor   durability // of the writer at present

	indexed time.Time // when job_events was last brought up to date

	dirty       atomic.Bool // something was written since it was last written back
	enough      func()      // ends the writing back
	writtenBack chan struct{}

	recents recents
	group   group
	latest  latest
	news    news
}

// connections is how many read at the same time.
const connections = 4

// Open opens the journal at path, or begins one. Nothing else may have it open
// (the lock on the state directory sees to that). warning is not empty where
// the file lies on a network filesystem.
func Open(ctx context.Context, path string) (j *Journal, warning string, err error) {
	return openAs(ctx, path, filesystem(path))
}

// openAs opens a journal on that kind of network filesystem, "" for a local one.
func openAs(ctx context.Context, path, kind string) (j *Journal, warning string, err error) {
	// SQLite would make it readable for everybody the umask lets.
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, "", api.Errorf(api.CodeSettings, "the journal cannot be opened: %v", err).
			WithRemedy("see to whom the file belongs, or choose another directory with --state-dir")
	}
	file.Close()
	network := kind != ""
	pragmas := []string{"busy_timeout(10000)", "foreign_keys(1)"}
	if network {
		// Without shared memory between machines, WAL works for exactly one
		// connection that never lets go.
		pragmas = append(pragmas, "locking_mode(EXCLUSIVE)")
		warning = fmt.Sprintf("the state directory is on a network filesystem (%s): the journal is slower there, and at risk when the server goes away; a local disk is better", kind)
	}
	pragmas = append(pragmas, "journal_mode(WAL)", "synchronous(NORMAL)", "wal_autocheckpoint("+writeBackPages+")")
	j = &Journal{path: path, now: time.Now, turn: make(chan struct{}, 1), paging: make(chan struct{}, 1), writtenBack: make(chan struct{})}
	j.news.init()
	if j.writer, err = sql.Open("sqlite", dsn(path, pragmas...)); err != nil {
		return nil, "", err
	}
	j.writer.SetMaxOpenConns(1)
	j.writer.SetMaxIdleConns(1)
	if err = j.migrate(ctx, schema()); err == nil {
		j.statements, err = prepare(ctx, j.writer)
	}
	if err == nil {
		err = j.loadNews(ctx)
	}
	if err == nil {
		err = j.catchUp(ctx)
	}
	if err != nil {
		j.writer.Close()
		return nil, "", describe(err)
	}
	readers := j.writer
	if !network {
		if readers, err = sql.Open("sqlite", dsn(path, "busy_timeout(10000)", "query_only(1)")); err != nil {
			j.writer.Close()
			return nil, "", err
		}
		readers.SetMaxOpenConns(connections)
		readers.SetMaxIdleConns(connections)
		j.paging = make(chan struct{}, connections/2)
	}
	j.reader = newReader(readers)
	ctx, j.enough = context.WithCancel(context.WithoutCancel(ctx))
	go j.writeBacks(ctx)
	return j, warning, nil
}

func dsn(path string, pragmas ...string) string {
	v := url.Values{"_pragma": pragmas, "_txlock": {"immediate"}}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: v.Encode()}).String()
}

// Close closes the journal; everything acknowledged is on disk.
func (j *Journal) Close() error {
	j.enough()
	<-j.writtenBack
	// What cannot be settled is in the events all the same.
	err := errors.Join(j.settle(context.Background(), ""), j.writer.Close())
	if j.reader.DB != j.writer {
		err = errors.Join(j.reader.Close(), err)
	}
	return err
}

// durability is what a write waits for.
type durability string

const (
	// durable waits for the disk: an acknowledged write survives a power cut.
	durable durability = "FULL"
	// ordered survives a crash of the daemon; a power cut may take the newest
	// of them, in which case the log is read again from the earlier offset.
	ordered durability = "NORMAL"
)

// write runs f in a transaction. Writers wait in line, and a caller's cancel
// counts only until its turn: a transaction that began is finished.
func (j *Journal) write(ctx context.Context, d durability, f func(tx *tx) error) error {
	if err := j.takeTurn(ctx); err != nil {
		return err
	}
	defer j.endTurn()
	return j.transact(context.WithoutCancel(ctx), d, f)
}

func (j *Journal) takeTurn(ctx context.Context) error {
	select {
	case j.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (j *Journal) endTurn() { <-j.turn }

// transact is write for who has the turn.
func (j *Journal) transact(ctx context.Context, d durability, f func(tx *tx) error) error {
	if j.waitsFor != d {
		if _, err := j.writer.ExecContext(ctx, "PRAGMA synchronous="+string(d)); err != nil {
			return describe(err)
		}
		j.waitsFor = d
	}
	sqlTx, err := j.writer.BeginTx(ctx, nil)
	if err != nil {
		return describe(err)
	}
	t := &tx{Tx: sqlTx, ctx: ctx, journal: j, now: j.now(), ready: map[*sql.Stmt]*sql.Stmt{}, recents: map[place]recent{}}
	if err = f(t); err == nil {
		err = t.storeEvents()
	}
	index := len(t.events) > 0 && t.now.Sub(j.indexed) >= keepRecent
	if err == nil && index {
		err = t.indexEvents()
	}
	if err != nil {
		sqlTx.Rollback()
		return describe(err)
	}
	if err := sqlTx.Commit(); err != nil {
		// A commit that failed for want of space leaves the transaction open.
		sqlTx.Rollback()
		return describe(err)
	}
	if index {
		j.indexed = t.now
	}
	j.dirty.Store(true)
	j.recents.keep(t.recents)
	j.latest.add(t.events)
	j.news.tell(t.lastEvent())
	return nil
}

// tx is a transaction of the writer.
type tx struct {
	*sql.Tx
	ctx     context.Context
	journal *Journal
	now     time.Time
	ready   map[*sql.Stmt]*sql.Stmt // prepared ones, in this transaction
	recents map[place]recent        // as they are if it is committed
	events  []api.Event             // that were appended
}

// prepared is a statement of the journal in this transaction.
func (t *tx) prepared(s *sql.Stmt) *sql.Stmt {
	ready, ok := t.ready[s]
	if !ok {
		ready = t.StmtContext(t.ctx, s)
		t.ready[s] = ready
	}
	return ready
}

// exec runs one statement and says how many rows it changed.
func (t *tx) exec(query string, args ...any) (int64, error) {
	r, err := t.ExecContext(t.ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// must is exec for statements that have to find their row.
func (t *tx) must(what, query string, args ...any) error {
	n, err := t.exec(query, args...)
	if err == nil && n == 0 {
		return api.Errorf(api.CodeNotFound, "there is no %s", what)
	}
	return err
}

// describe gives the errors of SQLite that a person can do something about a
// code and a remedy.
func describe(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch code := e.Code(); {
	case code&0xff == lib.SQLITE_FULL, code == lib.SQLITE_IOERR_WRITE, code == lib.SQLITE_IOERR_SHMSIZE:
		return api.Errorf(api.CodeDiskFull, "the journal cannot grow: the disk of the state directory is full (%v)", err).
			WithRemedy("free some space; nothing was lost, and work goes on from where it was")
	case code&0xff == lib.SQLITE_CORRUPT, code&0xff == lib.SQLITE_NOTADB:
		return api.Errorf(api.CodeInternal, "the journal is damaged: %v", err).
			WithRemedy("stop the daemon, keep a copy of journal.db, and recover it with `sqlite3 journal.db .recover`")
	}
	return err
}

// news wakes those who wait for events. It holds the newest event's id.
type news struct {
	mu      sync.Mutex
	last    int64
	changed chan struct{}
}

func (n *news) init() { n.changed = make(chan struct{}) }

func (n *news) tell(id int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if id <= n.last {
		return
	}
	n.last = id
	close(n.changed)
	n.changed = make(chan struct{})
}

// get returns the newest event's id and a channel that is closed when there is
// a newer one.
func (n *news) get() (int64, <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.last, n.changed
}
