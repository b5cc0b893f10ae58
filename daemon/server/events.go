package server

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"

	"ftd/api"
)

// keepAlive is how often a silent stream shows that it lives.
const keepAlive = 15 * time.Second

// events streams events as server-sent events. It goes on after "after", or
// after the Last-Event-ID that an SSE client sends when it comes back.
func (s *Server) events(w http.ResponseWriter, r *http.Request) error {
	q := parameters(r, "after", "job", "follow")
	after := q.number("after", 0, api.Now, math.MaxInt64)
	if last := r.Header.Values("Last-Event-ID"); len(last) > 0 {
		q.values.Set("Last-Event-ID", last[0])
		after = q.number("Last-Event-ID", 0, api.Now, math.MaxInt64)
	}
	follow, job := q.flag("follow"), q.text("job")
	if q.err != nil {
		return q.err
	}
	if job != "" {
		var err error
		if job, err = s.Journal.Resolve(r.Context(), job); err != nil {
			return err
		}
	}
	kept, err := s.Journal.Kept(r.Context())
	if err != nil {
		return err
	}
	if after > kept.Newest {
		return api.Errorf(api.CodeConflict, "there is no event %d yet, the newest is %d: you were reading those of another state directory", after, kept.Newest).
			WithRemedy("begin anew with after=0, which is the oldest event that is kept, or after=-1, which is now")
	}
	if r.Method == http.MethodHead {
		w.Header().Set("Content-Type", "text/event-stream")
		return nil
	}
	release, err := s.stream(r)
	if err != nil {
		return err
	}
	defer release()
	w.Header().Set("Content-Type", "text/event-stream")
	out := begin(w)
	newest, _ := s.Journal.LastEvent()
	if after == api.Now {
		after = newest
	}
	// The first line tells at once that the stream is there, and where a
	// client that comes back goes on even if nothing has happened since.
	if err := out.printf("id: %s\n\n", strconv.FormatInt(after, 10)); err != nil {
		return nil
	}
	if after > 0 && after < kept.Oldest-1 {
		if err := out.event(gap(after, kept.Oldest)); err != nil {
			return nil
		}
	}
	return s.pump(r, out, after, newest, job, follow)
}

// gap tells a reader that comes back too late what it will never see.
func gap(after, oldest int64) api.Event {
	data, _ := json.Marshal(api.Gap{After: after, Oldest: oldest}) // two numbers: cannot fail
	return api.Event{ID: oldest - 1, Time: time.Now().UTC(), Type: api.EventGap, Data: data}
}

// pump writes events page by page. Without follow it ends at the event that
// was the newest when the request came.
func (s *Server) pump(r *http.Request, out *stream, after, newest int64, job string, follow bool) error {
	ctx, cancel := s.until(r)
	defer cancel()
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	for {
		// Taken before reading, or an event stored in between is waited for.
		_, changed := s.Journal.LastEvent()
		events, more, err := s.Journal.Page(ctx, after, job)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			s.Log.Error().Err(err).Msg("a stream of events was cut")
			panic(http.ErrAbortHandler)
		}
		for _, e := range events {
			if !follow && e.ID > newest {
				return nil
			}
			if err := out.event(e); err != nil {
				return nil
			}
			after = e.ID
		}
		if more {
			continue
		}
		if !follow {
			return nil
		}
		if err := out.flush(); err != nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-alive.C:
			if err := out.printf(":\n\n"); err != nil {
				return nil
			}
		}
	}
}

// stream is a long answer. Who takes nothing of it for a minute is cut off
// (package visitors), and can go on from the last event it saw.
type stream struct {
	io.Writer
	control *http.ResponseController
	text    []byte // of the event before, for its room
}

// begin begins a long answer. The connection lives longer than the body of a
// request may take, and is closed afterwards, so nothing more is read from it.
func begin(w http.ResponseWriter) *stream {
	w.Header().Set("Connection", "close")
	o := &stream{Writer: w, control: http.NewResponseController(w)}
	_ = o.control.SetReadDeadline(time.Time{})
	return o
}

func (o *stream) flush() error { return o.control.Flush() }

func (o *stream) printf(format string, args ...any) error {
	if _, err := fmt.Fprintf(o, format, args...); err != nil {
		return err
	}
	return o.flush()
}

func (o *stream) event(e api.Event) error {
	text := strconv.AppendInt(append(o.text[:0], "id: "...), e.ID, 10)
	text = append(append(append(text, "\nevent: "...), e.Type...), "\ndata: "...)
	text, err := e.Append(text)
	if err != nil {
		return err
	}
	o.text = append(text, "\n\n"...)
	_, err = o.Write(o.text)
	return err
}
