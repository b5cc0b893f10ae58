package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

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
	return fetchWith[T](ctx, c, method, path, query, body, nil)
}

func fetchWith[T any](ctx context.Context, c *Client, method, path string, query url.Values, body any, header http.Header) (*T, error) {
	var reader io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, Errorf(CodeBadRequest, "the request cannot be written as JSON: %v", err)
		}
		reader = bytes.NewReader(data)
	}
	resp, err := c.do(ctx, method, path, query, reader, header)
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
	pulse := c.listen(ctx)
	resp, err := c.send(pulse.ctx, method, target.String(), body, header)
	if err != nil {
		defer pulse.stop()
		if e := pulse.silent(); e != nil && ctx.Err() == nil {
			return nil, e
		}
		return nil, c.broken(ctx, err)
	}
	pulse.answered()
	resp.Body = watched{resp.Body, pulse}
	c.compare(resp.Header)
	if resp.StatusCode >= 400 {
		defer resp.Body.Close()
		return nil, c.explain(resp, readError(resp))
	}
	return resp, nil
}

func (c *Client) send(ctx context.Context, method, target string, body io.Reader, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, target, body)
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
	if method != http.MethodGet {
		// A daemon that restarts closes idle connections. What was sent on one
		// at that moment is lost; reading is tried again, but nothing else.
		c.transport().CloseIdleConnections()
	}
	return c.transport().Do(req)
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
	var known *Error
	if errors.As(err, &known) {
		return known
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
