package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"ftd/api"
)

// KeepEvents is how long events are kept.
const KeepEvents = 30 * 24 * time.Hour

// event appends an event in the transaction of what it tells.
func (t *tx) event(e api.Event, data any) error {
	body, err := encode(data)
	if err != nil {
		return err
	}
	e.ID, e.Time, e.Data = t.lastEvent()+1, moment(t.now.UnixNano()), body
	t.events = append(t.events, e)
	return nil
}

// lastEvent is the id of the newest event. There is one writer, and what does
// not become a commit is not told, so it is known without asking the file.
func (t *tx) lastEvent() int64 {
	told, _ := t.journal.news.get()
	return told + int64(len(t.events))
}

// eventsTogether is how many events one statement stores. What it costs beside the
// rows is more than they cost.
const eventsTogether = 16

const (
	eventColumns = `id, time, job, step, attempt, rank, type, data`
	insertEvent  = `INSERT INTO events (` + eventColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
)

// storeEvents puts the events of the transaction into the table.
func (t *tx) storeEvents() error {
	args := make([]any, 0, 8*eventsTogether)
	for rest := range slices.Chunk(t.events, eventsTogether) {
		args = args[:0]
		for _, e := range rest {
			args = append(args, e.ID, e.Time.UnixNano(), e.Job, e.Step, e.Attempt, e.Rank, e.Type, string(e.Data))
		}
		if len(rest) == eventsTogether {
			if _, err := t.prepared(t.journal.statements.events).ExecContext(t.ctx, args...); err != nil {
				return err
			}
			continue
		}
		for row := range slices.Chunk(args, 8) {
			if _, err := t.prepared(t.journal.statements.event).ExecContext(t.ctx, row...); err != nil {
				return err
			}
		}
	}
	return nil
}

func encode(data any) ([]byte, error) {
	if points, ok := data.([]api.Point); ok { // most events are points
		return api.AppendPoints(make([]byte, 0, 256*len(points)), points)
	}
	return json.Marshal(data)
}

// Kept are the ids of the oldest event that is there and of the newest that
// there ever was. Oldest is one more than Newest if there is none.
type Kept struct{ Oldest, Newest int64 }

// Kept says what readers of events can have. It asks the file, since an event
// is stored a moment before [Journal.LastEvent] tells of it.
func (j *Journal) Kept(ctx context.Context) (Kept, error) {
	var oldest, newest sql.NullInt64
	err := j.reader.QueryRowContext(ctx, `SELECT (SELECT min(id) FROM events), (SELECT seq FROM sqlite_sequence WHERE name = 'events')`).Scan(&oldest, &newest)
	if !oldest.Valid {
		oldest.Int64 = newest.Int64 + 1
	}
	return Kept{oldest.Int64, newest.Int64}, describe(err)
}

// Emit appends events that tell of nothing that is stored: progress, output.
func (j *Journal) Emit(ctx context.Context, events ...api.Event) error {
	return j.write(ctx, ordered, func(t *tx) error {
		for _, e := range events {
			if err := t.event(e, e.Data); err != nil {
				return err
			}
		}
		return nil
	})
}

// A page of events ends with its pageEvents-th, or the one that fills pageBytes:
// who does not take what was read costs no more than that.
const (
	pageEvents = 256
	pageBytes  = 64 << 10
)

// Page returns the events after the one with that id, of one job if it is
// named, and whether there may be more by now. Readers poll it, each at its own
// pace; a slow one holds nothing. However many read at once, they leave some
// of the connections to those who ask for something else.
func (j *Journal) Page(ctx context.Context, after int64, job string) (events []api.Event, more bool, err error) {
	if events, more, ok := j.latest.page(after, job); ok {
		return events, more, nil
	}
	select {
	case j.paging <- struct{}{}:
		defer func() { <-j.paging }()
	case <-ctx.Done():
		return nil, false, describe(ctx.Err())
	}
	query, args := allEvents, []any{after, pageEvents}
	if job != "" {
		query, args = byJob, []any{job, after, pageEvents}
	}
	size := 0
	events, err = j.events(ctx, func(e *api.Event) bool {
		size += len(e.Data)
		return size < pageBytes
	}, query, args...)
	return events, full(len(events), size), err
}

// full says whether a page of so many events, and bytes of data, ends there.
func full(events, bytes int) bool { return events == pageEvents || bytes >= pageBytes }

// allEvents selects the events after ?1, at most ?2, in their order.
const allEvents = `SELECT ` + eventColumns + ` FROM events WHERE id > ? ORDER BY id LIMIT ?`

// events ends with the first event of which another says false.
func (j *Journal) events(ctx context.Context, another func(e *api.Event) bool, query string, args ...any) ([]api.Event, error) {
	rows, err := j.reader.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, describe(err)
	}
	return collectWhile(rows, another, func() (e api.Event, err error) {
		var at int64
		var data sql.NullString
		err = rows.Scan(&e.ID, &at, &e.Job, &e.Step, &e.Attempt, &e.Rank, &e.Type, &data)
		e.Time = moment(at)
		if data.Valid {
			e.Data = json.RawMessage(data.String)
		}
		return e, err
	})
}

// alarms is how many alarms of a job are returned.
const alarms = 100

// Alarms lists what watchdogs found in a job, the newest of it; like other
// events they are kept for KeepEvents.
func (j *Journal) Alarms(ctx context.Context, job string) ([]api.Alarm, error) {
	rows, err := j.reader.QueryContext(ctx, `SELECT data FROM (SELECT id, data FROM events
		WHERE job = ? AND type = '`+api.EventWatchdog+`' ORDER BY id DESC LIMIT ?) ORDER BY id`, job, alarms) //nolint:sqlclosecheck // collect closes it
	if err != nil {
		return nil, describe(err)
	}
	return collect(rows, func() (a api.Alarm, err error) {
		var data string
		if err := rows.Scan(&data); err != nil {
			return a, err
		}
		return a, json.Unmarshal([]byte(data), &a)
	})
}

// LastEvent returns the newest event's id and a channel that is closed when a
// newer one was stored. Take the channel before reading, or one is missed.
func (j *Journal) LastEvent() (int64, <-chan struct{}) { return j.news.get() }

// loadNews finds the newest event's id, which may have been deleted since.
func (j *Journal) loadNews(ctx context.Context) error {
	var last int64
	err := j.writer.QueryRowContext(ctx, `SELECT seq FROM sqlite_sequence WHERE name = 'events'`).Scan(&last)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	j.news.tell(last)
	return err
}

// PruneEvents deletes events that are older than KeepEvents, a few thousand at
// a time so that no writer waits long.
func (j *Journal) PruneEvents(ctx context.Context) error {
	for {
		var n int64
		err := j.write(ctx, ordered, func(t *tx) (err error) {
			n, err = t.exec(`DELETE FROM events WHERE id IN (SELECT id FROM (SELECT id, time FROM events ORDER BY id LIMIT 5000) WHERE time < ?)`,
				t.now.Add(-KeepEvents).UnixNano())
			return err
		})
		if err != nil || n == 0 {
			return err
		}
		j.latest.forget()
	}
}

// EventsOf returns the events of some types after the one with that id, up to
// another.
func (j *Journal) EventsOf(ctx context.Context, after, upTo int64, types ...string) ([]api.Event, error) {
	in := "'" + strings.Join(types, "', '") + "'" // they are constants
	return j.events(ctx, func(*api.Event) bool { return true }, `SELECT `+eventColumns+` FROM events
		WHERE id > ? AND id <= ? AND type IN (`+in+`) ORDER BY id`, after, upTo)
}
