package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"ftd/api"
	"ftd/daemon/frontdoor"
	"ftd/daemon/handover"
	"ftd/pybridge"
)

const (
	// quiet is how long nothing was called before a restart for memory: the
	// next daemon has to load Python anew.
	quiet = 2 * time.Second
	// tryAgain is how long after a restart that was not possible the memory is
	// looked at again.
	tryAgain = 10 * time.Minute
	// checkWithin is how long the check before a restart may take.
	checkWithin = 30 * time.Second
)

// restart knows when the daemon is to become the next one, in the same process.
//
// Python gives little memory back, and a card that a library opened is closed
// with the process only. An upgrade needs another binary. All come down to the
// same: put everything away, execute the front door again, hand the sockets
// over. It is done only at rest, when no step is at work but trainings, which
// do not depend on this process.
type restart struct {
	daemon *daemon
	wished atomic.Bool
	asked  chan struct{}
	made   uint64    // calls into Python, when it was last looked
	since  time.Time // at rest
	after  time.Time // a restart for memory comes not before
}

func newRestart(d *daemon) *restart {
	return &restart{daemon: d, asked: make(chan struct{}, 1), since: time.Now()}
}

// Restart asks for a restart in place, which comes as soon as the daemon is at
// rest. It is refused if the next daemon would not start.
func (d *daemon) Restart(ctx context.Context) error {
	if err := d.check(ctx); err != nil {
		return err
	}
	d.restart.wished.Store(true)
	select {
	case d.restart.asked <- struct{}{}:
	default:
	}
	if !d.engine.AtRest() || !d.python.atRest() {
		d.log.Info().Msg("a restart waits for the step at work")
	}
	return nil
}

// due says why the daemon is to restart at this moment, "" if it is not.
func (r *restart) due(ctx context.Context) string {
	d := r.daemon
	calls := d.python.calls()
	if made := calls.Succeeded + calls.Failed; made != r.made {
		r.made, r.since = made, time.Now()
	}
	if !d.python.atRest() || !d.engine.AtRest() {
		r.since = time.Now()
		return ""
	}
	if r.wished.Load() {
		return "asked to"
	}
	if time.Since(r.since) < quiet || time.Now().Before(r.after) {
		return ""
	}
	why := d.python.mustGo(d.settings().RestartAbove)
	if why == "" {
		return ""
	}
	if err := d.check(ctx); err != nil {
		r.after = time.Now().Add(tryAgain)
		d.log.Warn().Err(err).Str("because", why).Msg("a restart in place is due, but the next daemon would not start")
		return ""
	}
	return why
}

// check asks the front door whether a daemon with these settings would start.
func (d *daemon) check(ctx context.Context) error {
	door := frontdoor.Itself(d.environ)
	if door == "" {
		return nil // started by hand, past the front door
	}
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, door, append(slices.Clone(d.args), "check")...)
	cmd.Env = frontdoor.StartEnviron(d.environ)
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		text := strings.TrimPrefix(strings.TrimSpace(said.String()), "ftd: ")
		if text == "" {
			text = err.Error()
		}
		return api.Errorf(api.CodeConflict, "the next daemon would not start: %s", text).
			WithRemedy("repair that and try again; this daemon goes on as it is")
	}
	return nil
}

// next is the program that this process becomes.
type next struct {
	bundle  handover.Bundle
	socket  string // its path
	argv    []string
	environ []string
	// itself is this very daemon, in case the front door is gone.
	itself []string
	before []string // its environment
}

// prepareNext collects what the next daemon inherits. Whoever connects from
// here on waits for it.
func (d *daemon) prepareNext() (*next, error) {
	b := handover.Bundle{}
	err := b.AddListener(handover.Socket, d.settings().Socket, d.borrowed, d.socket)
	if err == nil && d.metrics != nil && d.metrics.listener != nil {
		err = b.AddListener(handover.Metrics, d.metrics.address, d.metrics.borrowed, d.metrics.listener)
	}
	if err == nil {
		err = b.Add(handover.Lock, d.settings().StateDir, false, d.state.Lock())
	}
	self, pathErr := os.Executable()
	if err == nil {
		err = pathErr
	}
	if err != nil {
		b.Close()
		return nil, err
	}
	n := &next{bundle: b, socket: d.settings().Socket, itself: append([]string{"/proc/self/exe"}, d.args...), before: d.environ}
	if door := frontdoor.Itself(d.environ); door != "" {
		n.argv, n.environ = append([]string{door}, d.args...), frontdoor.StartEnviron(d.environ)
	} else {
		n.argv, n.environ = append([]string{self}, d.args...), d.environ
	}
	return n, nil
}

// forget puts away what the next daemon would have inherited.
func (n *next) forget() {
	if l, _, err := n.bundle.Listener(handover.Socket, n.socket); err == nil && l != nil {
		_ = l.Close() // and with it its path, unless it is systemd's
	}
	n.bundle.Close()
}

// become executes the next daemon. It returns only if that is impossible.
func (n *next) become() error {
	// In between they would end the process; the next daemon listens again.
	signal.Ignore(syscall.SIGHUP, syscall.SIGUSR2)
	pybridge.OwnStreams() // its log is this process's
	first := n.bundle.Exec(n.argv, n.environ)
	return fmt.Errorf("the daemon cannot restart in place: %w", errors.Join(first, n.bundle.Exec(n.itself, n.before)))
}
