package fetch

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"golang.org/x/sys/unix"

	"ftd/recipe/fault"
)

// laterError is a refusal that may be none in a while.
type laterError struct {
	status string
	after  time.Duration // as the server asked; 0 if it did not
}

func (e *laterError) Error() string { return "the server answers " + e.status }

// attempt makes one request and takes what it gives.
func (g getter) attempt(ctx context.Context) (Result, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	state, have := readState(g.Part), partSize(g.Part)
	if !g.resumable(state) {
		have = 0
	}
	response, err := g.ask(ctx, stop, state, have)
	if err != nil {
		return Result{}, err
	}
	defer response.Body.Close()
	have, total, err := g.accept(response, state, have)
	if errors.Is(err, errWhole) {
		p, err := openPart(g.Part, state, have)
		if err != nil {
			return Result{}, err
		}
		defer p.Close()
		return g.finish(p, have)
	}
	if err != nil {
		return Result{}, err
	}
	least := int64(1)
	if !g.last {
		least = g.Tuning.Least
	}
	watched := watch(ctx, response.Body, g.Tuning.Patience, least, stop)
	defer watched.end()
	plain, err := g.plain(response, watched)
	if err != nil {
		return Result{}, reasonOf(ctx, err)
	}
	body, err := g.look(response, plain, have)
	if err != nil {
		return Result{}, reasonOf(ctx, err)
	}
	if err := g.room(total - have); err != nil {
		return Result{}, err
	}
	fresh := partState{Source: g.shown, Validator: validator(response.Header), Size: total}
	if g.compressed(response) {
		fresh.Validator = "" // a range would be one of the compressed file
	}
	p, err := openPart(g.Part, fresh, have)
	if err != nil {
		return Result{}, err
	}
	defer p.Close()
	if have > 0 {
		g.Log(fmt.Sprintf("going on after %s of %s", humanize.IBytes(uint64(have)), filepath.Base(g.Target)))
	}
	if err := g.receive(ctx, p, body, have, total); err != nil {
		return Result{}, reasonOf(ctx, err)
	}
	return g.finish(p, have)
}

// reasonOf is why a request that was given up was given up.
func reasonOf(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errStalled) {
		return errStalled
	}
	return err
}

// resumable says whether what has arrived can be gone on with: it is of this
// very source, or there is a checksum to prove the whole.
func (g getter) resumable(state partState) bool {
	if g.SHA256 != "" {
		return true
	}
	return state.Source == g.shown && state.Validator != ""
}

// ask sends the request. The answer's head must come within the patience.
func (g getter) ask(ctx context.Context, stop context.CancelCauseFunc, state partState, have int64) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, g.source, nil)
	if err != nil {
		return nil, fault.New(CodeUnreachable, "correct the address", "%s is not a valid address", g.shown)
	}
	for name, values := range g.header {
		request.Header[http.CanonicalHeaderKey(name)] = values
	}
	request.Header.Set("Accept-Encoding", "identity") // ranges and sizes are those of the file
	if have > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
		if state.Source == g.shown && state.Validator != "" {
			request.Header.Set("If-Range", state.Validator)
		}
	}
	timer := time.AfterFunc(g.Tuning.Patience, func() { stop(errStalled) })
	defer timer.Stop()
	response, err := g.client().Do(request)
	if err == nil {
		return response, nil
	}
	err = reasonOf(ctx, err)
	// The error of package http repeats the whole address.
	var inner interface{ Unwrap() error }
	if errors.As(err, &inner) && strings.Contains(err.Error(), g.source) {
		err = inner.Unwrap()
	}
	return nil, err
}

// client follows redirects, but takes secrets to no other host.
func (g getter) client() *http.Client {
	return &http.Client{CheckRedirect: func(next *http.Request, via []*http.Request) error {
		if len(via) >= 10 {
			return errors.New("it redirects in a circle")
		}
		if !SameHost(next.URL, via[0].URL) {
			for name := range g.header {
				next.Header.Del(name)
			}
		}
		return nil
	}}
}

// errWhole says that nothing is missing of the part.
var errWhole = errors.New("all of it is there")

// accept decides by the answer's head where in the file its body begins, and
// how large the file is; -1 if that is not said.
func (g getter) accept(r *http.Response, state partState, have int64) (from, total int64, err error) {
	switch {
	case r.StatusCode == http.StatusPartialContent:
		first, size, ok := contentRange(r.Header.Get("Content-Range"))
		if !ok || first != have {
			return 0, 0, fmt.Errorf("the server answers with the range %q instead of that from %d on", r.Header.Get("Content-Range"), have)
		}
		from, total = have, size
	case r.StatusCode == http.StatusOK:
		from, total = 0, r.ContentLength
	case r.StatusCode == http.StatusRequestedRangeNotSatisfiable && have > 0:
		if _, size, ok := contentRange(r.Header.Get("Content-Range")); ok && size == have {
			return have, size, errWhole
		}
		g.forget(state)
		return 0, 0, errors.New("what has arrived is of another version: beginning anew")
	default:
		return 0, 0, g.refusal(r)
	}
	if g.compressed(r) {
		if from > 0 {
			g.forget(state)
			return 0, 0, errors.New("the server compresses the file, which cannot be gone on with: beginning anew")
		}
		total = -1 // Content-Length is that of the compressed file
	}
	if g.Size > 0 && total >= 0 && total != g.Size {
		if page, ok := g.page(r); ok {
			return 0, 0, page
		}
		return 0, 0, fault.New(CodeChecksum, "this is another version of the file, or not the file; name another source",
			"%s holds %d bytes instead of %d", g.shown, total, g.Size)
	}
	if total < 0 && g.Size > 0 {
		total = g.Size
	}
	return from, total, nil
}

// forget removes what has arrived.
func (g getter) forget(state partState) {
	if p, err := openPart(g.Part, state, 0); err == nil {
		p.discard()
		p.Close()
	}
}

// compressed says whether a server compresses the file on its way, although it
// was asked not to. Some call that what is a gzip itself.
func (g getter) compressed(r *http.Response) bool {
	coding := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding")))
	name := strings.ToLower(g.Target)
	return (coding == "gzip" || coding == "x-gzip") && !strings.HasSuffix(name, ".gz") && !strings.HasSuffix(name, ".tgz")
}

// plain is the body as the file is.
func (g getter) plain(r *http.Response, body io.Reader) (io.Reader, error) {
	if !g.compressed(r) {
		return body, nil
	}
	return gzip.NewReader(body)
}

// contentRange reads "bytes 10-99/100" and "bytes */100"; the size of "*" is -1.
func contentRange(text string) (first, size int64, ok bool) {
	rest, ok := strings.CutPrefix(text, "bytes ")
	span, whole, cut := strings.Cut(rest, "/")
	if !ok || !cut {
		return 0, 0, false
	}
	size = -1
	if whole != "*" {
		var err error
		if size, err = strconv.ParseInt(whole, 10, 64); err != nil {
			return 0, 0, false
		}
	}
	if span == "*" {
		return -1, size, true
	}
	begin, _, _ := strings.Cut(span, "-")
	first, err := strconv.ParseInt(begin, 10, 64)
	return first, size, err == nil
}

// validator is what If-Range may hold: a strong ETag, or else the time of the
// last change.
func validator(h http.Header) string {
	if tag := h.Get("ETag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		return tag
	}
	return h.Get("Last-Modified")
}

// receive writes body to the part; total is -1 if it is not known.
func (g getter) receive(ctx context.Context, p *part, body io.Reader, have, total int64) error {
	buffer := make([]byte, 256<<10)
	g.Progress(have, max(total, 0))
	for {
		n, err := body.Read(buffer)
		if n > 0 {
			if _, err := p.Write(buffer[:n]); err != nil {
				if errors.Is(err, unix.ENOSPC) {
					return noRoom(filepath.Dir(g.Part), total-have, 0)
				}
				return err
			}
			have += int64(n)
			g.Progress(have, max(total, 0))
		}
		switch {
		case errors.Is(err, io.EOF):
			if total >= 0 && have != total {
				return fmt.Errorf("the file breaks off after %d of %d bytes", have, total)
			}
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
	}
}

// room looks whether the disk can take so many bytes more; what cannot be
// known is no reason not to begin.
func (g getter) room(more int64) error {
	var stat unix.Statfs_t
	dir := filepath.Dir(g.Part)
	if more <= 0 || unix.Statfs(dir, &stat) != nil {
		return nil //nolint:nilerr // see above
	}
	free := int64(stat.Bavail) * stat.Bsize
	if free >= more {
		return nil
	}
	return noRoom(dir, more, free)
}

func noRoom(dir string, more, free int64) error {
	return fault.New(CodeDiskFull, "make room, or let the state directory be on a larger disk",
		"%s has %s free, but %s are needed", dir, humanize.IBytes(uint64(max(free, 0))), humanize.IBytes(uint64(max(more, 0))))
}
