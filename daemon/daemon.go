// Package daemon is ftd itself: it puts the rooms of the house together.
//
// The parts, each a package below this one: settings (what a person may set),
// statedir (the directory everything is kept in), journal (what is
// remembered), engine (jobs), server (the socket), visitors (who is let in
// there, and at the metrics), metrics (Prometheus),
// handover (what outlives a restart in place), and frontdoor, which belongs to
// the program ftd that becomes this one.
//
// [Main] is the program. In this package itself: how the parts are opened and
// put away (daemon.go), what a person or systemd may ask of the process
// (attend.go), the restart in place (restart.go), the reading of settings anew
// (reload.go), what systemd is told (notify.go), and the interpreter as recipes
// see it (python.go).
package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"ftd/api"
	"ftd/daemon/engine"
	"ftd/daemon/frontdoor"
	"ftd/daemon/handover"
	"ftd/daemon/journal"
	"ftd/daemon/metrics"
	"ftd/daemon/notices"
	"ftd/daemon/server"
	"ftd/daemon/settings"
	"ftd/daemon/statedir"
	"ftd/launcher"
	"ftd/logparse"
	"ftd/pybridge"
	"ftd/recipe"
)

// A shutdown takes at most closeWithin; trainings are not waited for. Requests
// that are being answered get drainWithin of it.
const (
	closeWithin = 4 * time.Second
	drainWithin = 2 * time.Second
	// leaveWithin is when the process ends whatever is left to do: a disk that
	// hangs, or somebody who holds the journal's lock. Nothing is lost by it, as
	// nothing is by a crash.
	leaveWithin = 5 * time.Second
)

// gcPercent is by how much the heap grows until it is looked at. It is small; what
// a collection costs are the stacks of a thousand goroutines, where a hundred
// trainings run.
const gcPercent = 200

// Main runs the daemon until SIGTERM or SIGINT and returns the exit status; a
// second signal ends it at once. args are the program's, without its name.
func Main(args []string, version string) int {
	// First of all: no process may inherit what is handed over, and until
	// somebody listens to SIGHUP it would end this one. It is not ignored, or
	// trainings would inherit that.
	environ := os.Environ()
	given := handover.Take()
	wishes := make(chan os.Signal, 8)
	signal.Notify(wishes, syscall.SIGHUP, syscall.SIGUSR2)
	s, err := settings.Load(args)
	if errors.Is(err, settings.ErrHelp) {
		fmt.Fprint(os.Stdout, settings.Usage())
		return 0
	}
	switch {
	case err != nil:
	case slices.Contains(s.Args, "check"): // what the front door cannot see
		_, bad := notices.Load(s.Notify)
		err = errors.Join(bad, protected(s), journal.Check(statedir.JournalOf(s.StateDir)))
	default:
		if os.Getenv("GOGC") == "" {
			debug.SetGCPercent(gcPercent)
		}
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
		context.AfterFunc(ctx, stop) // the second one has its usual effect
		defer stop()
		d := &daemon{args: args, environ: environ, version: version, started: time.Now(), wishes: wishes}
		d.current.Store(s)
		ended := make(chan error, 1)
		go func() { ended <- d.run(ctx, given) }()
		select {
		case err = <-ended:
		case <-late(ctx):
			fmt.Fprintln(pybridge.DaemonStderr(), "ftd: something does not let go; it is left behind, and nothing is lost")
			return 0
		}
		switch {
		case d.next == nil:
		case ctx.Err() != nil: // who stops a daemon in the middle of a restart means it
			d.notify.stopping()
			d.next.forget()
		default:
			if err != nil { // as after a crash, the next one finds what it needs
				d.log.Error().Err(err).Msg("not all was put away before the restart")
			}
			err = d.next.become() // returns only if it cannot
		}
	}
	if err != nil {
		fmt.Fprintln(pybridge.DaemonStderr(), "ftd:", err)
		return 1
	}
	return 0
}

// late is closed when the shutdown that ctx began has taken too long.
func late(ctx context.Context) <-chan struct{} {
	late := make(chan struct{})
	context.AfterFunc(ctx, func() { time.AfterFunc(leaveWithin, func() { close(late) }) })
	return late
}

// daemon is a running ftd.
type daemon struct {
	current atomic.Pointer[settings.Settings] // see settings
	reading reading                           // see reload.go
	args    []string
	environ []string // as the process was started
	version string
	started time.Time
	log     zerolog.Logger
	wishes  <-chan os.Signal

	state   *statedir.Dir
	journal *journal.Journal
	python  *python
	engine  *engine.Engine
	server  *server.Server
	metrics *scraped // nil if it is off
	notices *notices.Teller
	socket  net.Listener
	// borrowed says that the socket is systemd's.
	borrowed bool
	// unreachable is why nobody finds it, "" if one does; see keepSocket.
	unreachable string
	notify      *notifier
	restart     *restart
	ready       atomic.Bool // between open and putAway
	failed      chan error  // what no daemon can go on after
	// next is what this process becomes when all is put away, nil for nothing.
	next *next
}

// settings are the effective ones. They are replaced as a whole: see reload.go.
func (d *daemon) settings() *settings.Settings { return d.current.Load() }

// run is the daemon from its start to the moment when everything is put away.
func (d *daemon) run(ctx context.Context, given handover.Bundle) (err error) {
	if err := setLevel(d.settings().LogLevel); err != nil {
		return err
	}
	d.log = newLog(d.settings(), pybridge.DaemonStderr())
	d.failed = make(chan error, 2)
	d.notify = newNotifier(d.log)
	s := d.settings()
	if d.state, err = statedir.OpenHeld(s.StateDir, given.File(handover.Lock, s.StateDir)); err != nil {
		return err
	}
	defer d.state.Close()
	if err := keepCrash(d.state, d.log); err != nil {
		d.log.Warn().Err(err).Msg("a crash of this daemon would leave no trace")
	}
	var warning string
	if d.journal, warning, err = journal.Open(ctx, d.state.Journal()); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.journal.Close()) }()
	if warning != "" {
		d.log.Warn().Msg(warning)
	}
	if err := d.assemble(); err != nil {
		return err
	}
	if err := d.open(ctx, given); err != nil {
		return err
	}
	given.Close()
	d.log.Info().Str("version", d.version).Str("socket", d.socket.Addr().String()).Str("state", s.StateDir).Str("env", s.Env).Msg("ready")
	d.notify.ready()
	err = d.attend(ctx)
	if d.next == nil {
		d.notify.stopping()
	}
	return errors.Join(err, d.putAway())
}

// places are the directories for results: the state directory, and those below
// the places of the settings.
func (d *daemon) places() []string {
	places := []string{d.state.Path()}
	for _, below := range d.settings().PlaceList() {
		places = append(places, d.state.Place(below))
	}
	return places
}

// assemble makes the parts; nothing works yet.
func (d *daemon) assemble() error {
	s := d.settings()
	library, err := d.state.Materialise(recipe.Library())
	if err != nil {
		return fmt.Errorf("ftd's Python files cannot be written: %w", err)
	}
	var signatures *logparse.Table
	if s.Signatures != "" {
		if signatures, err = logparse.Signatures().WithFile(s.Signatures); err != nil {
			return api.Errorf(api.CodeSettings, "the error signatures cannot be read: %v", err).
				WithRemedy("correct the file, or leave the setting `signatures` out; `ftctl parse --signatures FILE LOG` tries it")
		}
	}
	if err := recipe.KnownChecks(s.SkipCheckList()); err != nil {
		return api.Errorf(api.CodeSettings, "skip_checks: %v", err).WithRemedy("correct the setting `skip_checks`")
	}
	d.python = newPython(s, library, d.state.Stray(), d.log)
	// As it was before the front door changed it for this process.
	environ := frontdoor.StartEnviron(d.environ)
	d.engine, err = engine.New(engine.Config{
		Journal: d.journal, State: d.state, Python: d.python, Slots: s.Slots, SkipChecks: s.SkipCheckList(), Log: d.log,
		Cards: cardsOf(s, environ),
		Installation: recipe.Settings{
			Env: s.Env, Python: d.python.Interpreter(), Shim: s.Shim, Library: library,
			Signatures: signatures,
			Places:     d.places(),
			Partial:    d.state.Partial(), Environments: d.state.Environments(),
			Start: handover.ForChildren(environ),
			Stop:  launcher.Graces{Graceful: s.StopGraceful, Interrupt: s.StopInterrupt, Terminate: s.StopTerminate},
		},
	})
	if err != nil {
		return err
	}
	targets, err := notices.Load(s.Notify)
	if err != nil {
		return err
	}
	d.notices = notices.New(targets, d.journal, handover.ForChildren(environ), d.state.Notified(), d.log)
	d.restart = newRestart(d)
	access, err := accessOf(s)
	if err != nil {
		return err
	}
	scrape := metrics.Mux(metrics.Source{Version: d.about, Ready: d.ready.Load, Jobs: d.journal.CountJobs, Trainings: d.engine.Trainings,
		Queues: d.engine.Queues, Cards: d.engine.CardStates, Calls: d.python.calls, Daemon: d.takes})
	d.server = server.New(server.Config{
		Jobs: d.engine, Journal: d.journal, Metrics: scrape, Version: d.about, Access: access, Service: d, Notices: d.notices, Log: d.log,
	})
	if s.MetricsAddress != "" {
		d.metrics = newScraped(s, scrape, d.notify, d.log)
	}
	return nil
}

// open opens the doors and only then begins to work: a daemon that cannot be
// reached shall not touch any job.
func (d *daemon) open(ctx context.Context, given handover.Bundle) (err error) {
	if err := d.openSocket(ctx, given); err != nil {
		return err
	}
	d.metrics.open(ctx, given)
	if err := d.engine.Start(ctx); err != nil {
		return errors.Join(err, d.socket.Close(), d.metrics.shutdown(ctx))
	}
	d.notices.Start()
	d.ready.Store(true)
	go func() { d.failed <- d.server.Serve(d.socket) }()
	return nil
}

// putAway ends what run opened; trainings go on.
func (d *daemon) putAway() error {
	d.ready.Store(false)
	limit, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	drain, end := context.WithTimeout(limit, drainWithin)
	defer end()
	d.notices.Close()
	return errors.Join(d.server.Shutdown(drain), d.metrics.shutdown(drain), d.engine.Close(limit))
}

// about is what the daemon says of itself.
func (d *daemon) about() api.Version {
	return api.Version{
		Version: d.version, API: api.APIVersion, PID: os.Getpid(), Started: d.started,
		Python: d.python.version(), Env: d.settings().Env, State: d.settings().StateDir,
		Calls: d.python.view(),
	}
}
