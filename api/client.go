package api

import (
	"context"
	"io"
	"iter"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// APIVersion is the version of the wire format. It grows when an older client
// or daemon could misunderstand a newer one.
const APIVersion = 1

// Headers that every request and every answer carries.
const (
	HeaderVersion   = "Ftd-Version" // of the program, for people
	HeaderAPI       = "Ftd-Api"     // APIVersion, for programs
	HeaderRequestID = "Ftd-Request-Id"
	// HeaderIdempotencyKey is a client's own name for a request that makes a
	// job: the same request with the same key makes no second one.
	HeaderIdempotencyKey = "Idempotency-Key"
	// HeaderResume is the trailer of a log that was cut short because the
	// daemon restarts: the parameter "resume" that goes on there.
	HeaderResume = "Ftd-Resume"
)

// LogPieces is the media type of a log in pieces, for readers who want to go on
// where they were even if the daemon is killed: before each piece is a line with
// the value of the parameter "resume" that goes on after it, a space, and how
// many bytes it has. Readers get it by naming it in the header Accept.
const LogPieces = "application/x-ftd-log"

// Client talks to the daemon over its Unix socket. Its zero value is valid
// and looks for the socket where [Sockets] says. The fields must not change
// after the first call. It may be used by several goroutines.
type Client struct {
	// Socket is the path of the daemon's socket; "" looks in [Sockets].
	Socket string
	// Version is the calling program's own, sent with each request.
	Version string
	// Wait is how long a daemon that does not answer is waited for, because
	// it may be starting. 0 gives up at once.
	Wait time.Duration
	// Differs, if not nil, is told once if the daemon is of another version, and
	// whether it also speaks another version of the API.
	Differs func(daemon string, api bool)

	once    sync.Once
	differs sync.Once
	http    *http.Client
}

// Dial returns a client for the socket at path ("" for the usual places)
// after asking the daemon for its version. It waits up to two seconds for a
// daemon that is starting.
func Dial(ctx context.Context, path string) (*Client, error) {
	c := &Client{Socket: path, Wait: 2 * time.Second}
	if _, err := c.GetVersion(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// Close drops idle connections.
func (c *Client) Close() { c.transport().CloseIdleConnections() }

// GetVersion asks who answers and what it runs with.
func (c *Client) GetVersion(ctx context.Context) (*Version, error) {
	return fetch[Version](ctx, c, http.MethodGet, "/v1/version", nil, nil)
}

// Plan returns what [Client.Submit] would start, without starting it.
func (c *Client) Plan(ctx context.Context, s Submit) (*Plan, error) {
	return fetch[Plan](ctx, c, http.MethodPost, "/v1/plans", nil, s)
}

// JobsQuery narrows down [Client.Jobs].
type JobsQuery struct {
	// Active leaves out jobs that have ended.
	Active bool
	// Limit is how many to return, the newest first; 0 is all.
	Limit int
	// Before returns jobs older than the one with this id, for the next page.
	Before string
}

// Jobs lists jobs without their steps, the newest first, fetching page after
// page.
func (c *Client) Jobs(ctx context.Context, q JobsQuery) ([]Job, error) {
	var all []Job
	for {
		v := url.Values{}
		setBool(v, "active", q.Active)
		if q.Limit > 0 {
			setInt(v, "limit", int64(min(q.Limit-len(all), jobsPage)))
		}
		setText(v, "before", q.Before)
		page, err := fetch[JobList](ctx, c, http.MethodGet, "/v1/jobs", v, nil)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Jobs...)
		if page.Next == "" || q.Limit > 0 && len(all) >= q.Limit {
			return all, nil
		}
		q.Before = page.Next
	}
}

// jobsPage is the most jobs that the daemon gives at once.
const jobsPage = 1000

// Job returns one job with all its steps. Like every method that takes a job,
// it accepts the id, a unique beginning of it, or the job's name (the newest
// job of that name).
func (c *Client) Job(ctx context.Context, job string) (*Job, error) {
	return fetch[Job](ctx, c, http.MethodGet, jobPath(job), nil, nil)
}

// Stop asks a job to stop and returns at once; [Client.WaitJob] waits.
func (c *Client) Stop(ctx context.Context, job string) (*Job, error) {
	return fetch[Job](ctx, c, http.MethodPost, jobPath(job)+"/stop", nil, nil)
}

// Resume has a job go on that failed, was stopped or interrupted, or is lost:
// the same job, where it stopped. It returns at once; [Client.WaitJob] waits.
func (c *Client) Resume(ctx context.Context, job string) (*Job, error) {
	return fetch[Job](ctx, c, http.MethodPost, jobPath(job)+"/resume", nil, nil)
}

// Remove forgets a job that has ended and deletes what it wrote. It is
// refused while run directories hold checkpoints, unless checkpoints is true.
func (c *Client) Remove(ctx context.Context, job string, checkpoints bool) error {
	v := url.Values{}
	setBool(v, "checkpoints", checkpoints)
	_, err := fetch[struct{}](ctx, c, http.MethodDelete, jobPath(job), v, nil)
	return err
}

// PointsQuery narrows down [Client.Points].
type PointsQuery struct {
	// Attempt is the attempt's id; "" means all of the job's.
	Attempt string
	// Limit is the size of a page; 0 is the daemon's choice.
	Limit int
	// After goes on after the page whose Next it is.
	After string
}

// PointsPage fetches one page of a job's training points.
func (c *Client) PointsPage(ctx context.Context, job string, q PointsQuery) (*PointList, error) {
	v := url.Values{}
	setText(v, "attempt", q.Attempt)
	setText(v, "after", q.After)
	setInt(v, "limit", int64(q.Limit))
	return fetch[PointList](ctx, c, http.MethodGet, jobPath(job)+"/points", v, nil)
}

// Points yields a job's training points in the order of the log, fetching
// page after page. It ends after the first error.
func (c *Client) Points(ctx context.Context, job string, q PointsQuery) iter.Seq2[Point, error] {
	return func(yield func(Point, error) bool) {
		for {
			page, err := c.PointsPage(ctx, job, q)
			if err != nil {
				yield(Point{}, err)
				return
			}
			for _, p := range page.Points {
				if !yield(p, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			q.After = page.Next
		}
	}
}

// Call calls a function in the daemon's Python.
func (c *Client) Call(ctx context.Context, r CallRequest) (*CallResult, error) {
	return fetch[CallResult](ctx, c, http.MethodPost, "/v1/call", nil, r)
}

// TestNotify tells all who are notified that this is a test, or the one of
// that name, and returns what came of it.
func (c *Client) TestNotify(ctx context.Context, name string) ([]NoticeTest, error) {
	v := url.Values{}
	setText(v, "name", name)
	list, err := fetch[NoticeTestList](ctx, c, http.MethodPost, "/v1/notify/test", v, nil)
	if err != nil {
		return nil, err
	}
	return list.Targets, nil
}

// Recipes lists the recipes that are built in.
func (c *Client) Recipes(ctx context.Context) ([]Recipe, error) {
	list, err := fetch[RecipeList](ctx, c, http.MethodGet, "/v1/recipes", nil, nil)
	if err != nil {
		return nil, err
	}
	return list.Recipes, nil
}

// Metrics returns the daemon's metrics in Prometheus text format. The caller
// closes it.
func (c *Client) Metrics(ctx context.Context) (io.ReadCloser, error) {
	resp, err := c.do(ctx, http.MethodGet, "/metrics", nil, nil, nil)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

func jobPath(job string) string { return "/v1/jobs/" + url.PathEscape(job) }
