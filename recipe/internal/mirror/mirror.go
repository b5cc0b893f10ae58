// Package mirror is an HTTP server for tests: a mirror of model files that
// answers ranges, and misbehaves in the ways that real ones do.
//
//	m := mirror.New(t)
//	m.Add("/data.zip", content, mirror.BreakOff(2, 1000))
//	fetch.Get(ctx, fetch.Request{Sources: []string{m.URL + "/data.zip"}, ...})
package mirror

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// Server is a mirror. It closes with its test.
type Server struct {
	*httptest.Server

	mu       sync.Mutex
	files    map[string]*file
	requests []Request
	over     chan struct{}
}

// Request is what a client asked for.
type Request struct {
	Method, Path, Range, IfRange string
	Header                       http.Header
}

// Behaviour answers the nth request (from 1) for a file; false leaves it to
// the server.
type Behaviour func(s *Server, w http.ResponseWriter, r *http.Request, n int, content []byte) bool

type file struct {
	content []byte
	behave  Behaviour
	asked   int
}

// New starts a mirror.
func New(t testing.TB) *Server {
	s := &Server{files: map[string]*file{}, over: make(chan struct{})}
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() {
		close(s.over)
		s.CloseClientConnections()
		s.Close()
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	})
	return s
}

// Add offers a file, in place of an earlier one; at most one behaviour.
func (s *Server) Add(path string, content []byte, behave ...Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := &file{content: content}
	if len(behave) > 0 {
		f.behave = behave[0]
	}
	s.files[path] = f
}

// Requests returns what was asked for so far at path, or everywhere.
func (s *Server) Requests(path string) (found []Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.requests {
		if path == "" || r.Path == path {
			found = append(found, r)
		}
	}
	return found
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, Request{r.Method, r.URL.Path, r.Header.Get("Range"), r.Header.Get("If-Range"), r.Header.Clone()})
	f := s.files[r.URL.Path]
	if f != nil {
		f.asked++
	}
	s.mu.Unlock()
	switch {
	case f == nil:
		http.NotFound(w, r)
	case f.behave != nil && f.behave(s, w, r, f.asked, f.content):
	default:
		serve(w, r, f.content)
	}
}

func serve(w http.ResponseWriter, r *http.Request, content []byte) {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/octet-stream")
	}
	w.Header().Set("ETag", `"`+Sum(content)[:16]+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// Sum is the SHA-256 of content in hexadecimal digits.
func Sum(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// BreakOff ends the first times answers after so many bytes.
func BreakOff(times, after int) Behaviour {
	return func(_ *Server, w http.ResponseWriter, r *http.Request, n int, content []byte) bool {
		if n > times {
			return false
		}
		serve(&short{ResponseWriter: w, left: after}, r, content)
		panic(http.ErrAbortHandler) // the connection ends before what was promised
	}
}

type short struct {
	http.ResponseWriter
	left int
}

func (s *short) Write(b []byte) (int, error) {
	if s.left == 0 {
		return 0, http.ErrAbortHandler
	}
	n, err := s.ResponseWriter.Write(b[:min(len(b), s.left)])
	s.left -= n
	_ = http.NewResponseController(s.ResponseWriter).Flush()
	return n, err
}

// Busy answers 503 the first times.
func Busy(times int) Behaviour {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request, n int, _ []byte) bool {
		if n <= times {
			http.Error(w, "busy", http.StatusServiceUnavailable)
		}
		return n <= times
	}
}

// Status always answers so, with a body.
func Status(code int, kind, body string) Behaviour {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request, _ int, _ []byte) bool {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(code)
		fmt.Fprint(w, body)
		return true
	}
}

// Expired answers as S3 does to a signature whose time is over.
func Expired() Behaviour {
	return Status(http.StatusForbidden, "application/xml", `<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>AccessDenied</Code><Message>Request has expired</Message><X-Amz-Expires>86400</X-Amz-Expires><Expires>2023-08-02T08:00:00Z</Expires><ServerTime>2023-09-01T00:00:00Z</ServerTime></Error>`)
}

// Login answers with a web page, and the status of a file.
func Login() Behaviour {
	return Status(http.StatusOK, "text/html; charset=utf-8", "<!DOCTYPE html><html><body>please log in</body></html>")
}

// Stall sends so many bytes and then nothing, until the client gives up.
func Stall(after int) Behaviour {
	return func(s *Server, w http.ResponseWriter, r *http.Request, _ int, content []byte) bool {
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		_, _ = w.Write(content[:after])
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
		case <-s.over:
		}
		return true
	}
}

// Whole knows no ranges.
func Whole() Behaviour {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request, _ int, content []byte) bool {
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = w.Write(content) // a client that is gone needs none
		return true
	}
}
