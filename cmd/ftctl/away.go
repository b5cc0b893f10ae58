package main

import (
	"context"
	"errors"
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

// patient returns a client like c for following: it waits a moment for a
// daemon that is starting.
func patient(c *api.Client) *api.Client {
	return &api.Client{Socket: c.Socket, Version: c.Version, Wait: 2 * time.Second}
}

// isAway says whether err is the daemon's absence, which may pass.
func isAway(err error) bool {
	var e *api.Error
	return errors.As(err, &e) && e.Code == api.CodeUnreachable
}

// untilBack calls f until the daemon answers, at most for awayFor; away, if
// not nil, is told of each time that it did not.
func untilBack[T any](ctx context.Context, away func(), f func() (T, error)) (T, error) {
	for deadline := time.Now().Add(awayFor); ; {
		v, err := f()
		if !isAway(err) || time.Now().After(deadline) {
			return v, err
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
