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
	"log"
	"net"
	"net/http"
	urlpath "path"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"ftd/api"
	"ftd/daemon/journal"
	"ftd/daemon/visitors"
)

// Jobs is what the server needs to carry out what is asked.
type Jobs interface {
	Submit(ctx context.Context, s api.Submit) (api.Job, error)
	// SubmitOnce does it once for each key, and says whether this was the time.
	SubmitOnce(ctx context.Context, s api.Submit, key string) (job api.Job, fresh bool, err error)
	Plan(ctx context.Context, s api.Submit) (api.Plan, error)
	// Job and the others take an id, a unique beginning of one, or a name.
	Job(ctx context.Context, ref string) (api.Job, error)
	Jobs(ctx context.Context, q api.JobsQuery) ([]api.Job, error)
	Stop(ctx context.Context, ref string) (api.Job, error)
	// Resume has a job go on that ended without success.
	Resume(ctx context.Context, ref string) (api.Job, error)
	Remove(ctx context.Context, ref string, checkpoints bool) error
	Recipes() ([]api.Recipe, error)
	Call(ctx context.Context, r api.CallRequest) (api.CallResult, error)
	Cards() ([]api.Card, error)
}

// Journal is what the server reads itself, page by page.
type Journal interface {
	Resolve(ctx context.Context, ref string) (string, error)
	Points(ctx context.Context, job, attempt, after string, limit int) ([]api.Point, string, error)
	Page(ctx context.Context, after int64, job string) (events []api.Event, more bool, err error)
	LastEvent() (int64, <-chan struct{})
	Kept(ctx context.Context) (journal.Kept, error)
}

// Service is the daemon as a process.
type Service interface {
	Settings() api.Settings
	SetSetting(name, value string) error
	// Reload reads the settings again; an error leaves them as they are.
	Reload() (api.Reload, error)
	// Restart asks for a restart in place and returns before it.
	Restart(ctx context.Context) error
}

// Notices tells people of what happens.
type Notices interface {
	Test(ctx context.Context, name string) ([]api.NoticeTest, error)
}

// Config says what a server serves. All fields but Log are required.
type Config struct {
	Jobs    Jobs
	Journal Journal
	Service Service
	Notices Notices
	// Metrics answers at /metrics, /-/healthy, /-/ready, /healthz and /.
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
	maxBody        = 4 << 20   // a recipe
	maxCallBody    = 64 << 20  // arguments of a call
	maxBodies      = 256 << 20 // all at a time
	maxStreams     = 512
	maxConnections = 1024
	// settleWithin is how long a client that has connected may take to say what
	// it wants when the server shuts down.
	settleWithin = 300 * time.Millisecond
)

// Server is the HTTP server of the socket.
type Server struct {
	Config
	mux    *http.ServeMux
	http   *http.Server
	places int
	// bodyTimeout is the constant; a test has not that much time.
	bodyTimeout time.Duration
	streams     chan struct{}
	bodies      atomic.Int64    // what they take at the moment
	served      chan struct{}   // closed when Serve has returned
	ctx         context.Context // ends at shutdown, and with it the streams
	cancel      context.CancelFunc

	mu       sync.Mutex
	visitors *visitors.Listener // nil until Serve
}

// New returns a server that is not listening yet.
func New(c Config) *Server {
	places := visitors.Places(maxConnections)
	s := &Server{
		Config: c, mux: http.NewServeMux(), places: places, bodyTimeout: bodyTimeout, served: make(chan struct{}),
		// Half of the places at most, for who reads a stream is never shown out.
		streams: make(chan struct{}, min(maxStreams, max(places/2, 1))),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	for _, r := range s.routes() {
		s.mux.Handle(r.pattern, s.handler(r))
	}
	s.mux.HandleFunc(everything, func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, s.unknown(w, r)) })
	s.http = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		// "OPTIONS *" passes the same gates as everything else.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     log.New(trouble{c.Log}, "", 0),
		ConnContext:                  withClient,
	}
	return s
}

// Serve answers on l until Shutdown.
func (s *Server) Serve(l net.Listener) error {
	defer close(s.served)
	s.mu.Lock()
	s.visitors = visitors.Limit(l, s.places)
	v := s.visitors
	s.mu.Unlock()
	err := s.http.Serve(v)
	if errors.Is(err, http.ErrServerClosed) || s.ctx.Err() != nil {
		return nil
	}
	return err
}

// Shutdown lets nobody in any more, ends the streams, lets other requests
// finish until ctx ends, and closes the listener.
func (s *Server) Shutdown(ctx context.Context) error {
	s.cancel()
	s.mu.Lock()
	v := s.visitors
	s.mu.Unlock()
	if v != nil {
		// First this: net/http hangs up on who was let in and has not said yet
		// what it wants, and such a client would have to take that for a crash.
		_ = v.Close() // it has nothing to say to this
		<-s.served
		settle, cancel := context.WithTimeout(ctx, settleWithin)
		v.Settle(settle)
		cancel()
	}
	if err := s.http.Shutdown(ctx); err != nil {
		return s.http.Close()
	}
	return nil
}

// ServeHTTP is the gates in order; the mux comes last.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer clientOf(r).serving()()
	id := requestID()
	h := w.Header()
	h.Set(api.HeaderRequestID, id)
	h.Set(api.HeaderVersion, s.Version().Version)
	h.Set(api.HeaderAPI, strconv.Itoa(api.APIVersion))
	began := time.Now()
	defer func() {
		if v := recover(); v != nil {
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
			s.Log.Error().Str("request", id).Str("method", r.Method).Str("path", r.URL.Path).Interface("panic", v).Bytes("stack", debug.Stack()).Msg("a request failed")
			s.fail(w, r, api.Errorf(api.CodeInternal, "the daemon made a mistake (request %s)", id).
				WithRemedy("its log says more; please report it"))
		}
		s.Log.Debug().Str("request", id).Str("method", r.Method).Str("path", r.URL.Path).Dur("took", time.Since(began)).Msg("request")
	}()
	hygiene(h)
	if e := browser(r); e != nil {
		s.fail(w, r, e)
		return
	}
	// The mux would send a client elsewhere that says // or /./ in a path.
	if path := r.URL.EscapedPath(); path != urlpath.Clean(path) || path == "*" {
		s.fail(w, r, unknownPath(r))
		return
	}
	s.mux.ServeHTTP(w, r)
}

// handler puts permission and limits before a route's function.
func (s *Server) handler(r route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if e := s.Access.check(clientOf(req).peer, r.need); e != nil {
			s.fail(w, req, e)
			return
		}
		if req.Body != http.NoBody {
			most := int64(maxBody)
			if r.body != 0 {
				most = r.body
			}
			b := s.body(w, req, most)
			defer b.release()
			req.Body = b
			// Not for the whole request: a stream may be read for days, and where
			// nothing is to come the server waits for the client to hang up.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.bodyTimeout))
		}
		var l limits
		for _, what := range []string{"job", "name"} {
			l.name(what, req.PathValue(what))
		}
		if err := l.result(); err != nil {
			s.fail(w, req, err)
			return
		}
		if err := r.serve(w, req); err != nil {
			s.fail(w, req, err)
		}
	})
}

// stream takes one of the places for long answers; release gives it back.
func (s *Server) stream(r *http.Request) (release func(), err error) {
	// The last quarter is for who may change something: those who only look
	// cannot keep them from looking.
	guest := s.Access.check(clientOf(r).peer, toChange) != nil
	if guest && len(s.streams) >= cap(s.streams)*3/4 {
		return nil, api.Errorf(codeBusy, "%d clients follow logs and events already", len(s.streams)).WithRemedy("try again later")
	}
	select {
	case s.streams <- struct{}{}:
		return func() { <-s.streams }, nil
	default:
		return nil, api.Errorf(codeBusy, "%d clients follow logs and events already", cap(s.streams)).
			WithRemedy("end some of them")
	}
}

// Streams is how many clients follow logs and events.
func (s *Server) Streams() int { return len(s.streams) }

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
