package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net"
	"net/http"
	"net/url"
	"strconv"
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
)

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

	once sync.Once
	http *http.Client
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

// GetVersion asks who answers and what it runs with.
func (c *Client) GetVersion(ctx context.Context) (*Version, error) {
	return fetch[Version](ctx, c, http.MethodGet, "/v1/version", nil, nil)
}

// Submit starts a job. When it returns without an error the job is stored and
// survives a crash of the daemon.
func (c *Client) Submit(ctx context.Context, s Submit) (*Job, error) {
	return fetch[Job](ctx, c, http.MethodPost, "/v1/jobs", nil, s)
}

// JobsQuery narrows down [Client.Jobs].
type JobsQuery struct {
	// Active leaves out jobs that have ended.
	Active bool
	// Limit is how many to return, the newest first; 0 is the daemon's limit.
	Limit int
	// Before returns jobs older than the one with this id, for the next page.
	Before string
}

// Jobs lists jobs without their steps, the newest first.
func (c *Client) Jobs(ctx context.Context, q JobsQuery) ([]Job, error) {
	v := url.Values{}
	setBool(v, "active", q.Active)
	setInt(v, "limit", int64(q.Limit))
	setText(v, "before", q.Before)
	list, err := fetch[JobList](ctx, c, http.MethodGet, "/v1/jobs", v, nil)
	if err != nil {
		return nil, err
	}
	return list.Jobs, nil
}

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

func setBool(v url.Values, name string, on bool) {
	if on {
		v.Set(name, "1")
	}
}

func setInt(v url.Values, name string, n int64) {
	if n != 0 {
		v.Set(name, strconv.FormatInt(n, 10))
	}
}

func setText(v url.Values, name, text string) {
	if text != "" {
		v.Set(name, text)
	}
}

// fetch does one request whose answer is a JSON object.
func fetch[T any](ctx context.Context, c *Client, method, path string, query url.Values, body any) (*T, error) {
	var reader io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, Errorf(CodeBadRequest, "the request cannot be written as JSON: %v", err)
		}
		reader = bytes.NewReader(data)
	}
	resp, err := c.do(ctx, method, path, query, reader, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer := new(T)
	if resp.StatusCode == http.StatusNoContent {
		return answer, nil
	}
	d := json.NewDecoder(resp.Body)
	d.UseNumber() // what a call returned may hold numbers that a float64 rounds
	if err := d.Decode(answer); err != nil {
		return nil, c.broken(ctx, err)
	}
	return answer, nil
}

// do sends a request and turns every unsuccessful answer into an *Error.
func (c *Client) do(ctx context.Context, method, path string, query url.Values, body io.Reader, header http.Header) (*http.Response, error) {
	target := url.URL{Scheme: "http", Host: "ftd", Path: path, RawQuery: query.Encode()}
	if unescaped, err := url.PathUnescape(path); err == nil {
		target.Path, target.RawPath = unescaped, path
	}
	req, err := http.NewRequestWithContext(ctx, method, target.String(), body)
	if err != nil {
		return nil, Errorf(CodeBadRequest, "%v", err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set(HeaderVersion, c.Version)
	req.Header.Set(HeaderAPI, strconv.Itoa(APIVersion))
	resp, err := c.transport().Do(req)
	if err != nil {
		var known *Error
		if errors.As(err, &known) {
			return nil, known
		}
		return nil, c.broken(ctx, err)
	}
	if resp.StatusCode >= 400 {
		defer resp.Body.Close()
		return nil, readError(resp)
	}
	return resp, nil
}

// readError reads the body of an error answer, which is an Error unless
// something other than the daemon answered.
func readError(resp *http.Response) *Error {
	data, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	e := new(Error)
	if json.Unmarshal(data, e) != nil || e.Code == "" {
		return Errorf(CodeInternal, "the daemon answered %s: %.200s", resp.Status, data)
	}
	return e
}

// broken names what ended a request on the way. A deadline or a cancel of the
// caller stays recognisable with errors.Is.
func (c *Client) broken(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return cut{Errorf(CodeUnreachable, "the connection to the daemon broke: %v", err).
		WithRemedy("try again; the daemon's own log says more if it ended")}
}

func (c *Client) transport() *http.Client {
	c.once.Do(func() {
		c.http = &http.Client{Transport: &http.Transport{
			DialContext:        func(ctx context.Context, _, _ string) (net.Conn, error) { return c.connect(ctx) },
			DisableCompression: true,
			MaxIdleConns:       4,
			IdleConnTimeout:    10 * time.Second,
		}}
	})
	return c.http
}

// Close drops idle connections.
func (c *Client) Close() { c.transport().CloseIdleConnections() }
