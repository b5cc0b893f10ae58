// Package server answers on the daemon's Unix socket: HTTP/1.1 and JSON under
// /v1/, the routes being the table in routes.go.
//
// Every request passes the same gates before its handler sees it: it gets an
// id, is refused if a browser could have sent it (guard.go), and is allowed
// only what its peer's credentials allow (peer.go). Handlers have one shape:
// decode, act, encode; what they return as an error becomes
// {"code", "message", "remedy"} with the status that belongs to the code.
//
// A client that hangs, floods or sends too much harms nobody: bodies, headers,
// streams and the time for each have limits, and who reads a stream slowly
// holds only its own connection, since events come from the journal and output
// from files.
package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"ftd/api"
)

// Jobs is what the server needs to carry out what is asked.
type Jobs interface {
	Submit(ctx context.Context, s api.Submit) (api.Job, error)
	// Job and the others take an id, a unique beginning of one, or a name.
	Job(ctx context.Context, ref string) (api.Job, error)
	Jobs(ctx context.Context, q api.JobsQuery) ([]api.Job, error)
	Stop(ctx context.Context, ref string) (api.Job, error)
	Remove(ctx context.Context, ref string, checkpoints bool) error
	Recipes() ([]api.Recipe, error)
	Call(ctx context.Context, r api.CallRequest) (api.CallResult, error)
}

// Journal is what the server reads itself, page by page.
type Journal interface {
	Resolve(ctx context.Context, ref string) (string, error)
	Points(ctx context.Context, job, attempt, after string, limit int) ([]api.Point, string, error)
	Events(ctx context.Context, after int64, job string, limit int) ([]api.Event, error)
	LastEvent() (int64, <-chan struct{})
}

// Config says what a server serves. All fields but Log are required.
type Config struct {
	Jobs    Jobs
	Journal Journal
	Metrics http.Handler
	// Version is asked for at each request for it, since Python comes later.
	Version func() api.Version
	Access  Access
	Log     zerolog.Logger
}

// Limits of what one client may take.
const (
	headerTimeout  = 5 * time.Second
	bodyTimeout    = 30 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeader      = 32 << 10
	maxBody        = 4 << 20  // a recipe
	maxCallBody    = 64 << 20 // arguments of a call
	maxStreams     = 512
	maxConnections = 1024
)

// Server is the HTTP server of the socket.
type Server struct {
	Config
	mux     *http.ServeMux
	http    *http.Server
	streams chan struct{}
	ctx     context.Context // ends at shutdown, and with it the streams
	cancel  context.CancelFunc
}

// New returns a server that is not listening yet.
func New(c Config) *Server {
	s := &Server{Config: c, mux: http.NewServeMux(), streams: make(chan struct{}, maxStreams)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	for _, r := range s.routes() {
		s.mux.Handle(r.pattern, s.handler(r))
	}
	s.http = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ConnContext:       withPeer,
	}
	return s
}

// Serve answers on l until Shutdown.
func (s *Server) Serve(l net.Listener) error {
	err := s.http.Serve(limit(l, maxConnections))
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Shutdown ends the streams, lets other requests finish until ctx ends, and
// removes the socket.
func (s *Server) Shutdown(ctx context.Context) error {
	s.cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		return s.http.Close()
	}
	return nil
}

// ServeHTTP is the gates in order; the mux comes last.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := requestID()
	h := w.Header()
	h.Set(api.HeaderRequestID, id)
	h.Set(api.HeaderVersion, s.Version().Version)
	h.Set(api.HeaderAPI, strconv.Itoa(api.APIVersion))
	log := s.Log.With().Str("request", id).Str("method", r.Method).Str("path", r.URL.Path).Logger()
	began := time.Now()
	defer func() {
		if v := recover(); v != nil {
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
			log.Error().Interface("panic", v).Bytes("stack", debug.Stack()).Msg("a request failed")
			s.fail(w, r, api.Errorf(api.CodeInternal, "the daemon made a mistake (request %s)", id).
				WithRemedy("its log says more; please report it"))
		}
		log.Debug().Dur("took", time.Since(began)).Msg("request")
	}()
	hygiene(h)
	if e := browser(r); e != nil {
		s.fail(w, r, e)
		return
	}
	if _, pattern := s.mux.Handler(r); pattern == "" {
		s.fail(w, r, s.unknown(w, r))
		return
	}
	s.mux.ServeHTTP(w, r)
}

// handler puts permission and limits before a route's function.
func (s *Server) handler(r route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if e := s.Access.check(peerOf(req), r.need); e != nil {
			s.fail(w, req, e)
			return
		}
		body := int64(maxBody)
		if r.body != 0 {
			body = r.body
		}
		req.Body = http.MaxBytesReader(w, req.Body, body)
		// Not for the whole request: a stream may be read for days.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
		if err := r.serve(w, req); err != nil {
			s.fail(w, req, err)
		}
	})
}

// unknown says whether the path or only the method is wrong.
func (s *Server) unknown(w http.ResponseWriter, r *http.Request) *api.Error {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := s.mux.Handler(other); pattern != "" {
			allowed = append(allowed, method)
			w.Header().Add("Allow", method)
		}
	}
	if len(allowed) > 0 {
		return api.Errorf(codeMethod, "%s is not possible on %s, only %v", r.Method, r.URL.Path, allowed)
	}
	return api.Errorf(api.CodeNotFound, "the daemon has no %s", r.URL.Path).
		WithRemedy("if your ftctl is newer than the daemon, upgrade the daemon")
}

// stream takes one of the places for long answers; release gives it back.
func (s *Server) stream() (release func(), err error) {
	select {
	case s.streams <- struct{}{}:
		return func() { <-s.streams }, nil
	default:
		return nil, api.Errorf(codeBusy, "%d clients follow logs and events already", maxStreams).
			WithRemedy("end some of them")
	}
}

// until returns a context that ends with the request or with the server.
func (s *Server) until(r *http.Request) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(r.Context())
	stop := context.AfterFunc(s.ctx, cancel)
	return ctx, func() { stop(); cancel() }
}

func requestID() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// reply writes a JSON answer.
func reply(w http.ResponseWriter, status int, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(data, '\n')) // a client that is gone wants nothing
	return nil
}
