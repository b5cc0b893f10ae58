package daemon

import (
	"context"
	"io"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
	"github.com/rs/zerolog"

	"ftd/api"
	"ftd/daemon/handover"
	"ftd/daemon/settings"
	"ftd/daemon/visitors"
)

const (
	// maxScrapers is how many connections there are to the metrics at a time. Any
	// user of the machine may open some; who keeps one gives way to who comes.
	maxScrapers = 64
	// scrapedAgain is how long after a failure the metrics are tried again.
	scrapedAgain = 5 * time.Second
)

// scraped is the TCP server of the metrics. Jobs must not depend on it: where
// the address is taken or the file broken, nobody is let in, which is said, and
// it is tried again until it works.
//
// All but why belongs to the goroutine that opens, attends and puts away.
type scraped struct {
	address  string
	web      string // the file that says how they are protected, "" for not at all
	handler  http.Handler
	log      zerolog.Logger
	notify   *notifier
	listener net.Listener // nil if there is none
	borrowed bool         // from systemd
	server   *http.Server // nil if nothing is served
	ended    chan error   // what it ended of
	after    time.Time    // when it is tried again
	why      atomic.Pointer[api.Error]
}

func newScraped(s *settings.Settings, handler http.Handler, n *notifier, log zerolog.Logger) *scraped {
	return &scraped{address: s.MetricsAddress, web: s.MetricsWeb, handler: handler, log: log, notify: n, ended: make(chan error, 1)}
}

// protected checks the file that says how the metrics are protected.
func protected(s *settings.Settings) error {
	if err := web.Validate(s.MetricsWeb); err != nil {
		return unprotected(err)
	}
	return nil
}

func unprotected(err error) *api.Error {
	return api.Errorf(api.CodeSettings, "metrics_web_config: %v", err).
		WithRemedy("correct the file, or leave the setting out; docs/metrics.md shows one")
}

// open begins to serve, on the listener of the daemon before if there is one.
// Without a server it does nothing.
func (m *scraped) open(ctx context.Context, given handover.Bundle) {
	if m == nil {
		return
	}
	var err error
	if m.listener, m.borrowed, err = given.Listener(handover.Metrics, m.address); err != nil {
		m.log.Warn().Err(err).Msg("the metrics' address is opened anew")
	}
	m.begin(ctx)
}

// again tries anew what failed, when it is time.
func (m *scraped) again(ctx context.Context) {
	if m != nil && m.server == nil && time.Now().After(m.after) {
		m.begin(ctx)
	}
}

func (m *scraped) begin(ctx context.Context) {
	// Never without its protection, and looked at before the door is open.
	if err := web.Validate(m.web); err != nil {
		m.fail(unprotected(err))
		return
	}
	if m.listener == nil {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", m.address)
		if err != nil {
			m.fail(api.Errorf(api.CodeSettings, "the metrics cannot be served on %s: %v", m.address, err).
				WithRemedy("choose another address with --metrics-address, or --metrics-address off"))
			return
		}
		m.listener = l
	}
	m.server = &http.Server{
		Handler: m.handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: stdlog.New(io.Discard, "", 0), // whoever can reach the address could fill it
	}
	m.why.Store(nil)
	m.notify.note(ofMetrics, "")
	m.log.Info().Str("address", m.listener.Addr().String()).Msg("metrics")
	go func(server *http.Server, l net.Listener) {
		// The file is read for each request, so that certificates may be renewed.
		flags := &web.FlagConfig{WebConfigFile: &m.web}
		m.ended <- web.Serve(visitors.Limit(l, visitors.Places(maxScrapers)), server, flags, slog.New(slog.DiscardHandler))
	}(m.server, m.listener)
}

// lost takes note that the server has ended by itself: by its file, which has
// changed since it was looked at, or by its socket.
func (m *scraped) lost(err error) {
	m.server = nil
	m.fail(api.Errorf(api.CodeSettings, "the metrics are not served on %s any more: %v", m.address, err).
		WithRemedy("correct what it says; it is tried again by itself"))
}

// fail closes the door, so that whoever knocks is refused and does not wait,
// and says why, once for each reason. A socket of systemd's stays: it could
// not be opened again.
func (m *scraped) fail(why *api.Error) {
	if m.listener != nil && !m.borrowed {
		_ = m.listener.Close() // nobody was let in
		m.listener = nil
	}
	m.after = time.Now().Add(scrapedAgain)
	m.notify.note(ofMetrics, "no metrics: "+why.Message)
	if before := m.why.Swap(why); before == nil || before.Message != why.Message {
		m.log.Error().Err(why).Str("address", m.address).Msg("NO METRICS are served; jobs and trainings go on, and it is tried again")
	}
}

// failure is why nothing is served, nil if it is.
func (m *scraped) failure() *api.Error {
	if m == nil {
		return nil
	}
	return m.why.Load()
}

// endings tells of a server that has ended by itself.
func (m *scraped) endings() <-chan error {
	if m == nil {
		return nil
	}
	return m.ended
}

// shutdown lets scrapes finish until ctx ends. Without a server it does nothing.
func (m *scraped) shutdown(ctx context.Context) error {
	switch {
	case m == nil:
		return nil
	case m.server == nil:
		if m.listener != nil {
			return m.listener.Close()
		}
		return nil
	case m.server.Shutdown(ctx) != nil:
		return m.server.Close()
	}
	return nil
}
