package server

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"ftd/api"
)

const (
	eventPage = 256
	// keepAlive is how often a silent stream shows that it lives.
	keepAlive = 15 * time.Second
	// writeTimeout is how long a reader may refuse to take more before its
	// stream is cut; it can go on from the last event it saw.
	writeTimeout = time.Minute
)

// events streams events as server-sent events. It goes on after "after", or
// after the Last-Event-ID that an SSE client sends when it comes back.
func (s *Server) events(w http.ResponseWriter, r *http.Request) error {
	q := parameters(r, "after", "job", "follow")
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		q.values.Set("after", last)
	}
	after := q.number("after", 0, api.Now, math.MaxInt64)
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
	release, err := s.stream()
	if err != nil {
		return err
	}
	defer release()
	w.Header().Set("Content-Type", "text/event-stream")
	out := &stream{w: w, control: http.NewResponseController(w)}
	out.liftReadDeadline()
	newest, _ := s.Journal.LastEvent()
	if after == api.Now {
		after = newest
	}
	// The first line tells at once that the stream is there, and where a
	// client that comes back goes on even if nothing has happened since.
	if err := out.printf("id: %s\n\n", strconv.FormatInt(after, 10)); err != nil {
		return nil
	}
	return s.pump(r, out, after, newest, job, follow)
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
		events, err := s.Journal.Events(ctx, after, job, eventPage)
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
		if len(events) == eventPage {
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

// stream is a long answer: each write has its own deadline.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// liftReadDeadline lets the connection live longer than a request's body may
// take. The connection is closed afterwards, so nothing more is read from it.
func (o *stream) liftReadDeadline() {
	o.w.Header().Set("Connection", "close")
	_ = o.control.SetReadDeadline(time.Time{})
}

func (o *stream) Write(p []byte) (int, error) {
	if err := o.control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	return o.w.Write(p)
}

func (o *stream) flush() error {
	if err := o.control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	return o.control.Flush()
}

func (o *stream) printf(format string, args ...any) error {
	if _, err := fmt.Fprintf(o, format, args...); err != nil {
		return err
	}
	return o.flush()
}

func (o *stream) event(e api.Event) error {
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(o, "id: %d\nevent: %s\ndata: %s\n\n", e.ID, e.Type, data)
	return err
}
