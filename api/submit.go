package api

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"time"
)

// submitWithin is how long a daemon that went away while it was asked for a
// job is asked again: a restart in place takes some tenths of a second, one by
// systemd some seconds.
const submitWithin = 10 * time.Second

// Submit starts a job. When it returns without an error the job is stored and
// survives a crash of the daemon.
//
// If the connection breaks before the answer, the same is asked again with the
// same key, so that it is one job whether or not the first request had arrived.
func (c *Client) Submit(ctx context.Context, s Submit) (*Job, error) {
	return c.SubmitOnce(ctx, s, rand.Text())
}

// SubmitOnce is [Client.Submit] with a key of the caller's own, 1 to 200
// characters: as long as the job is remembered, the same request with the same
// key is that job, and another request with it is refused with [CodeConflict].
func (c *Client) SubmitOnce(ctx context.Context, s Submit, key string) (*Job, error) {
	header := http.Header{HeaderIdempotencyKey: {key}}
	arrived := false // at a daemon, maybe
	for deadline := time.Now().Add(submitWithin); ; {
		job, err := fetchWith[Job](ctx, c, http.MethodPost, "/v1/jobs", nil, s, header)
		arrived = arrived || !final(err)
		var e *Error
		if away := errors.As(err, &e) && e.Code == CodeUnreachable; !away || !arrived || time.Now().After(deadline) {
			return job, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(retryEvery):
		}
	}
}
