package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"ftd/api"
)

// awayFor is how long a daemon that went away in the middle is waited for: a
// restart or an upgrade costs the job nothing, and should not cost its
// follower anything either.
const awayFor = 10 * time.Minute

// askAgain is the time between two tries while the daemon is away.
const askAgain = 200 * time.Millisecond

// answersWithin is more than a call takes that no daemon answers. One that took
// longer was answered for a while.
const answersWithin = time.Minute

const awayText = "the daemon does not answer; trainings go on without it, and it is waited for"

// patient returns a client like c for following: it waits a moment for a
// daemon that is starting.
func patient(c *api.Client) *api.Client {
	return &api.Client{Socket: c.Socket, Version: c.Version, Wait: 2 * time.Second, Differs: c.Differs}
}

// isAway says whether err is the daemon's absence, which may pass.
func isAway(err error) bool {
	var e *api.Error
	return errors.As(err, &e) && (e.Code == api.CodeUnreachable || e.Code == api.CodeHangs)
}

// absence is the time for which the daemon has been away.
type absence struct{ since time.Time }

// goesOn counts a call that began then and found nobody in the end; it reports
// whether the daemon is still to be waited for.
func (a *absence) goesOn(began, now time.Time) bool {
	if a.since.IsZero() || now.Sub(began) > answersWithin {
		a.since = now
	}
	return now.Sub(a.since) < awayFor
}

// untilBack calls f until the daemon answers; it gives up when it was away for
// awayFor. away, if not nil, is told of each time that it did not.
func untilBack[T any](ctx context.Context, away func(), f func() (T, error)) (T, error) {
	var gone absence
	for {
		began := time.Now()
		v, err := f()
		if !isAway(err) {
			return v, err
		}
		if !gone.goesOn(began, time.Now()) {
			return v, gaveUp(err)
		}
		if away != nil {
			away()
		}
		select {
		case <-ctx.Done():
			return v, ctx.Err()
		case <-time.After(askAgain):
		}
	}
}

// gaveUp is the error of a daemon that was waited for in vain.
func gaveUp(err error) error {
	e := *asError(err)
	e.Message += fmt.Sprintf("; it was waited for, %.0f minutes long", awayFor.Minutes())
	return &e
}

// once makes f do nothing after its first call, until it is armed again.
type once struct {
	f    func()
	done bool
}

func (o *once) call() {
	if !o.done && o.f != nil {
		o.done = true
		o.f()
	}
}

// patientEvents is Client.Events over any number of daemons, one after the
// other: each event once, whatever happens to the connection.
func patientEvents(ctx context.Context, c *api.Client, q api.EventsQuery, away func()) iter.Seq2[api.Event, error] {
	return func(yield func(api.Event, error) bool) {
		enough := false
		for !enough {
			_, err := untilBack(ctx, away, func() (struct{}, error) {
				for e, err := range c.Events(ctx, q) {
					if err != nil {
						return struct{}{}, err
					}
					q.After = e.ID
					if enough = !yield(e, nil); enough {
						break
					}
				}
				return struct{}{}, nil
			})
			if err != nil {
				yield(api.Event{}, err)
				return
			}
		}
	}
}

// patientLog is a log over any number of daemons, one after the other: each byte
// once. That the daemon is away is told once for each time.
type patientLog struct {
	*api.Log
	ctx    context.Context //nolint:containedctx // an io.Reader takes none
	client *api.Client
	job    string
	query  api.LogsQuery
	away   once
}

func openPatientLog(ctx context.Context, c *api.Client, job string, q api.LogsQuery, away func()) (*patientLog, error) {
	text, err := c.Logs(ctx, job, q)
	if err != nil {
		return nil, err
	}
	return &patientLog{Log: text, ctx: ctx, client: c, job: job, query: q, away: once{f: away}}, nil
}

func (l *patientLog) Read(p []byte) (int, error) {
	for {
		n, err := l.Log.Read(p)
		if n > 0 {
			l.away.done = false
		}
		if !l.query.Follow || !isAway(err) {
			return n, err
		}
		if !l.Resumable() {
			return n, api.Errorf(api.CodeUnreachable, "the log broke off: %s", asError(err).Message).
				WithRemedy("this ftd is too old to say where it goes on: ftctl logs -f --tail 50 %s", l.job)
		}
		l.query.Resume = l.Place()
		next, err := untilBack(l.ctx, l.away.call, func() (*api.Log, error) { return l.client.Logs(l.ctx, l.job, l.query) })
		if err != nil {
			return 0, err
		}
		l.Close()
		l.Log = next
	}
}

var _ io.ReadCloser = (*patientLog)(nil)
