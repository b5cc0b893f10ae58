package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Now as an event id means: only what happens from now on.
const Now int64 = -1

// maxEventLine is the longest line of an event stream that is read. One event
// holds at most one batch of a log, which is far below it.
const maxEventLine = 16 << 20

// EventsQuery says which events [Client.Events] yields.
type EventsQuery struct {
	// After is the id of the last event already seen; 0 begins with the
	// oldest that is kept, [Now] with the next one.
	After int64
	// Job restricts it to one job.
	Job string
	// Follow waits for further events instead of ending at the newest.
	Follow bool
}

// Events yields events in order. While following, a connection that breaks is
// opened again and goes on after the last event that was yielded, so none is
// missed or seen twice; the error is yielded only when the daemon stays away
// for longer than c.Wait or refuses. It ends after the first error.
func (c *Client) Events(ctx context.Context, q EventsQuery) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for {
			before := q.After
			stopped, err := c.readEvents(ctx, &q, yield)
			if stopped {
				return
			}
			switch {
			case ctx.Err() != nil:
				yield(Event{}, ctx.Err())
				return
			case err == nil && !q.Follow:
				return
			case final(err):
				yield(Event{}, err)
				return
			}
			// A daemon that accepts and hangs up at once must not be asked in
			// a busy loop.
			if q.After == before {
				select {
				case <-ctx.Done():
				case <-time.After(retryEvery):
				}
			}
		}
	}
}

// cut is the error of a connection that was made and then broke, as it does
// when the daemon is killed or restarted: worth asking again.
type cut struct{ error }

func (c cut) Unwrap() error { return c.error }

func final(err error) bool {
	var c cut
	return err != nil && !errors.As(err, &c)
}

// readEvents yields the events of one connection and moves q.After along. It
// reports whether the caller had enough.
func (c *Client) readEvents(ctx context.Context, q *EventsQuery, yield func(Event, error) bool) (stopped bool, err error) {
	v := url.Values{}
	setInt(v, "after", q.After)
	setText(v, "job", q.Job)
	setBool(v, "follow", q.Follow)
	resp, err := c.do(ctx, http.MethodGet, "/v1/events", v, nil, http.Header{"Accept": {"text/event-stream"}})
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(make([]byte, 64<<10), maxEventLine)
	for lines.Scan() {
		// Each event is one "data:" line that holds all of it. An "id:" line
		// without data tells where a stream from Now begins.
		if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok && q.After == Now {
			if n, err := strconv.ParseInt(id, 10, 64); err == nil {
				q.After = n
			}
			continue
		}
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var e Event
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return false, Errorf(CodeInternal, "the daemon sent an event that is not JSON: %v", err)
		}
		if e.ID <= q.After {
			continue
		}
		if !yield(e, nil) {
			return true, nil
		}
		q.After = e.ID
	}
	if err := lines.Err(); err != nil {
		return false, c.broken(ctx, err)
	}
	return false, nil
}

// WaitJob returns the job once it has ended.
func (c *Client) WaitJob(ctx context.Context, job string) (*Job, error) {
	for {
		// The order matters: the job is looked at after the stream is known to
		// begin, or its end could fall between the two.
		j, err := c.Job(ctx, job)
		if err != nil || j.Over() {
			return j, err
		}
		for e, err := range c.Events(ctx, EventsQuery{After: j.Event, Job: j.ID, Follow: true}) {
			if err != nil {
				return nil, err
			}
			if e.Type == EventJob {
				break
			}
		}
	}
}
