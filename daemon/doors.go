package daemon

import (
	"context"
	"errors"
	"io"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/user"
	"strconv"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
	"github.com/rs/zerolog"

	"ftd/api"
	"ftd/daemon/handover"
	"ftd/daemon/server"
	"ftd/daemon/settings"
	"ftd/daemon/visitors"
)

// accessOf says who may use the socket.
func accessOf(s *settings.Settings) (server.Access, error) {
	a := server.Access{Owner: uint32(os.Geteuid()), ReadForOthers: s.ReadForOthers}
	if s.Group == "" {
		return a, nil
	}
	group, err := user.LookupGroup(s.Group)
	if err != nil {
		return a, api.Errorf(api.CodeSettings, "there is no group %q on this machine", s.Group).
			WithRemedy("name one that `getent group` shows, or leave the setting `group` out")
	}
	id, err := strconv.ParseUint(group.Gid, 10, 32)
	if err != nil {
		return a, err
	}
	gid := uint32(id)
	a.Group = &gid
	return a, nil
}

// openSocket listens for clients, or goes on listening. A socket of systemd's has
// the mode that its unit says.
func (d *daemon) openSocket(ctx context.Context, given handover.Bundle) (err error) {
	path, access := d.settings().Socket, d.server.Access
	open := access.Group != nil || access.ReadForOthers
	if d.socket, d.borrowed, err = given.Listener(handover.Socket, path); err != nil || d.borrowed {
		return err
	}
	if d.socket == nil {
		d.socket, err = server.Listen(ctx, path, open)
	} else {
		d.socket, err = server.Inherit(d.socket, open)
	}
	if dir := server.Closed(path, access.Group); err == nil && open && dir != "" {
		d.log.Warn().Str("directory", dir).Msg("others may use the daemon, but cannot get to its socket: open the directory to them, or choose another socket")
	}
	return err
}

// maxScrapers is how many connections there are to the metrics at a time. Any
// user of the machine may open some; who keeps one gives way to who comes.
const maxScrapers = 64

// scraped is the TCP server of the metrics.
type scraped struct {
	address  string
	web      string // the file that says how they are protected, "" for not at all
	handler  http.Handler
	listener net.Listener
	borrowed bool // from systemd
	server   *http.Server
}

// protected checks the file that says how the metrics are protected.
func protected(s *settings.Settings) error {
	if err := web.Validate(s.MetricsWeb); err != nil {
		return api.Errorf(api.CodeSettings, "metrics_web_config: %v", err).
			WithRemedy("correct the file, or leave the setting out; docs/metrics.md shows one")
	}
	return nil
}

func (m *scraped) open(ctx context.Context, given handover.Bundle, log zerolog.Logger) (err error) {
	m.listener, m.borrowed, err = given.Listener(handover.Metrics, m.address)
	if err == nil && m.listener == nil {
		m.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", m.address)
	}
	if err != nil {
		return api.Errorf(api.CodeSettings, "the metrics cannot be served on %s: %v", m.address, err).
			WithRemedy("choose another address with --metrics-address, or --metrics-address off")
	}
	m.server = &http.Server{
		Handler: m.handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: stdlog.New(io.Discard, "", 0), // whoever can reach the address could fill it
	}
	log.Info().Str("address", m.listener.Addr().String()).Msg("metrics")
	return nil
}

func (m *scraped) serve() error {
	// The file is read for each request, so that certificates may be renewed.
	flags := &web.FlagConfig{WebConfigFile: &m.web}
	if err := web.Serve(visitors.Limit(m.listener, visitors.Places(maxScrapers)), m.server, flags, slog.New(slog.DiscardHandler)); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// shutdown lets scrapes finish until ctx ends. Without a server it does nothing.
func (m *scraped) shutdown(ctx context.Context) error {
	if m == nil || m.server == nil {
		return nil
	}
	if m.server.Shutdown(ctx) != nil {
		return m.server.Close()
	}
	return nil
}
