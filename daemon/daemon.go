// Package daemon is ftd itself: it puts the rooms of the house together.
//
// The parts, each a package below this one: settings (what a person may set),
// statedir (the directory everything is kept in), journal (what is
// remembered), engine (jobs), server (the socket), metrics (Prometheus), and
// frontdoor, which belongs to the program ftd that becomes this one.
// [Main] is the program; [Run] is the same for tests.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"os/user"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"ftd/api"
	"ftd/daemon/engine"
	"ftd/daemon/frontdoor"
	"ftd/daemon/journal"
	"ftd/daemon/metrics"
	"ftd/daemon/server"
	"ftd/daemon/settings"
	"ftd/daemon/statedir"
	"ftd/pybridge"
	"ftd/recipe"
)

// closeWithin is how long a shutdown may take. Trainings are not waited for.
const closeWithin = 5 * time.Second

// Main runs the daemon until SIGTERM or SIGINT and returns the exit status; a
// second signal ends it at once. args are the program's, without its name.
func Main(args []string, version string) int {
	s, err := settings.Load(args)
	if errors.Is(err, settings.ErrHelp) {
		fmt.Fprint(os.Stdout, settings.Usage())
		return 0
	}
	if err == nil {
		// A terminal that is closed is no reason to end: whoever typed
		// `ftd &` went home. Not ignored, or trainings would inherit that.
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
		context.AfterFunc(ctx, stop) // the second one has its usual effect
		defer stop()
		err = Run(ctx, s, version)
	}
	if err != nil {
		fmt.Fprintln(pybridge.DaemonStderr(), "ftd:", err)
		return 1
	}
	return 0
}

// Run is the daemon: it returns when ctx ends and everything is put away.
func Run(ctx context.Context, s *settings.Settings, version string) (err error) {
	started := frontdoor.StartEnviron(os.Environ()) // before Python code may change it
	log := newLog(s, pybridge.DaemonStderr())
	state, err := statedir.Open(s.StateDir)
	if err != nil {
		return err
	}
	defer state.Close()
	if err := keepCrash(state, log); err != nil {
		log.Warn().Err(err).Msg("a crash of this daemon would leave no trace")
	}
	j, warning, err := journal.Open(ctx, state.Journal())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	if warning != "" {
		log.Warn().Msg(warning)
	}
	library, err := state.Materialise(recipe.Library())
	if err != nil {
		return fmt.Errorf("ftd's Python files cannot be written: %w", err)
	}
	py := newPython(s, library, log)
	e, err := engine.New(engine.Config{
		Journal: j, State: state, Python: py, Slots: s.Slots, Log: log,
		Installation: recipe.Settings{Env: s.Env, Python: py.Interpreter(), Shim: s.Shim, Library: library, Start: started},
	})
	if err != nil {
		return err
	}
	about := func() api.Version {
		return api.Version{Version: version, API: api.APIVersion, PID: os.Getpid(), Python: py.version(), Env: s.Env, State: s.StateDir}
	}
	scrape := metrics.Handler(metrics.Source{Version: about, Jobs: j.CountJobs, Trainings: e.Trainings, Calls: py.calls})
	access, err := accessOf(s)
	if err != nil {
		return err
	}
	// Before any job is touched: a daemon that cannot be reached shall not
	// begin to work.
	socket, err := server.Listen(ctx, s.Socket, access.Group != nil || access.ReadForOthers)
	if err != nil {
		return err
	}
	srv := server.New(server.Config{Jobs: e, Journal: j, Metrics: scrape, Version: about, Access: access, Log: log})
	failed := make(chan error, 2)
	closeMetrics, err := serveMetrics(ctx, s.MetricsAddress, scrape, log, failed)
	if err != nil {
		return errors.Join(err, socket.Close())
	}
	if err := e.Start(ctx); err != nil {
		return errors.Join(err, socket.Close(), closeMetrics())
	}
	go func() { failed <- srv.Serve(socket) }()
	log.Info().Str("version", version).Str("socket", s.Socket).Str("state", s.StateDir).Str("env", s.Env).Msg("ready")

	select {
	case <-ctx.Done():
		log.Info().Msg("shutting down; trainings go on")
	case err = <-failed:
		log.Error().Err(err).Msg("shutting down")
	}
	limit, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	return errors.Join(err, srv.Shutdown(limit), closeMetrics(), e.Close(limit))
}

// keepCrash lets the Go runtime write what it says when this process dies into
// a file, and forgets the empty ones of daemons that did not crash.
func keepCrash(state *statedir.Dir, log zerolog.Logger) error {
	old, _ := filepath.Glob(filepath.Join(state.Crash(), "daemon-*.txt")) // the pattern is well-formed
	for _, path := range old {
		if info, err := os.Stat(path); err == nil && info.Size() == 0 {
			os.Remove(path)
			continue
		}
		kept := filepath.Join(state.Crash(), "crash-"+strings.TrimPrefix(filepath.Base(path), "daemon-"))
		if err := os.Rename(path, kept); err == nil {
			log.Warn().Str("file", kept).Msg("a daemon before this one crashed; the file says how")
		}
	}
	name := fmt.Sprintf("daemon-%s-%d.txt", time.Now().UTC().Format("20060102T150405"), os.Getpid())
	f, err := os.OpenFile(filepath.Join(state.Crash(), name), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close() // the runtime has its own descriptor
	return debug.SetCrashOutput(f, debug.CrashOptions{})
}

func accessOf(s *settings.Settings) (server.Access, error) {
	a := server.Access{Owner: uint32(os.Geteuid()), ReadForOthers: s.ReadForOthers}
	if s.Group == "" {
		return a, nil
	}
	group, err := user.LookupGroup(s.Group)
	if err != nil {
		return a, api.Errorf(api.CodeSettings, "there is no group %q on this machine", s.Group)
	}
	id, err := strconv.ParseUint(group.Gid, 10, 32)
	if err != nil {
		return a, err
	}
	gid := uint32(id)
	a.Group = &gid
	return a, nil
}

// serveMetrics serves on TCP, if an address is set.
func serveMetrics(ctx context.Context, address string, scrape http.Handler, log zerolog.Logger, failed chan<- error) (closer func() error, err error) {
	if address == "" {
		return func() error { return nil }, nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, api.Errorf(api.CodeSettings, "the metrics cannot be served on %s: %v", address, err).
			WithRemedy("choose another address with --metrics-address, or --metrics-address off")
	}
	srv := &http.Server{Handler: metrics.Mux(scrape), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	go func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	}()
	log.Info().Str("address", l.Addr().String()).Msg("metrics")
	return srv.Close, nil
}
