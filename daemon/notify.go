package daemon

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	systemd "github.com/coreos/go-systemd/v22/daemon"
	"github.com/rs/zerolog"

	"ftd/api"
	"ftd/daemon/journal"
)

// statusEvery is how often systemd is told what the daemon does, if that has
// changed.
const statusEvery = 2 * time.Second

// tellWithin is how long systemd may take to take a message: its end of the
// socket is a queue that may be full. Whoever tells has better things to do
// than to wait for that.
const tellWithin = time.Second

// What there may be trouble with that systemd is told.
const (
	ofSettings = iota
	ofMetrics
	ofSocket
	troubleKinds
)

// notifier tells systemd how the daemon is. Started by anybody else, it does
// nothing.
type notifier struct {
	log      zerolog.Logger
	watchdog time.Duration // 0: nobody watches

	mu sync.Mutex // guards what follows
	// owed is what changes systemd's view of the service and could not be told:
	// a READY that is lost would have the service ended. It goes with the next
	// message.
	owed     string
	troubles [troubleKinds]string // sentences for the status, "" for none
	deaf     bool                 // the last message was not taken
}

func newNotifier(log zerolog.Logger) *notifier {
	n := &notifier{log: log}
	var err error
	if n.watchdog, err = systemd.SdWatchdogEnabled(false); err != nil {
		log.Warn().Err(err).Msg("systemd's watchdog is left alone")
	}
	return n
}

// send tells systemd some lines. The variables stay as they are: the daemon
// that comes after a restart in place speaks to the same systemd.
func (n *notifier) send(lines ...string) { n.post(false, lines) }

// change is send for what must not be lost.
func (n *notifier) change(lines ...string) { n.post(true, lines) }

func (n *notifier) post(lasting bool, lines []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	message := strings.Join(lines, "\n")
	switch {
	case lasting:
		n.owed = message // what was owed before is not true any more
	case n.owed != "":
		message = n.owed + "\n" + message
	}
	err := tell(message)
	if err == nil {
		n.owed = ""
	} else if !n.deaf {
		n.log.Warn().Err(err).Msg("systemd cannot be told")
	}
	n.deaf = err != nil
}

// note puts a sentence about something into the status, until the next one
// about it; "" is none.
func (n *notifier) note(of int, trouble string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.troubles[of] = trouble
}

func (n *notifier) noted() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	there := slices.DeleteFunc(slices.Clone(n.troubles[:]), func(trouble string) bool { return trouble == "" })
	return strings.Join(there, "; ")
}

// tell sends one message to the socket that systemd names, if it does. The
// library's own function waits for ever for a queue that is full.
func tell(message string) error {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // datagrams: nothing is left to send
	if err := conn.SetWriteDeadline(time.Now().Add(tellWithin)); err != nil {
		return err
	}
	_, err = conn.Write([]byte(message))
	return err
}

func (n *notifier) ready() { n.change(systemd.SdNotifyReady) }
func (n *notifier) stopping() {
	n.change(systemd.SdNotifyStopping, "STATUS=shutting down; trainings go on")
}

func (n *notifier) reloading() {
	n.change(systemd.SdNotifyReloading, strings.TrimSpace(systemd.SdNotifyMonotonicUsec()))
}

// keep sends the status and feeds the watchdog until ctx ends. The watchdog
// gets its food from the journal only: a daemon whose journal is stuck is of no
// use, while one whose Python is busy for an hour is as it should be.
func (n *notifier) keep(ctx context.Context, j *journal.Journal) {
	every := statusEvery
	if n.watchdog > 0 {
		every = min(every, n.watchdog/3)
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	told := ""
	for {
		if err := j.Alive(ctx); err != nil {
			if ctx.Err() != nil {
				return
			}
			n.log.Error().Err(err).Msg("the journal does not answer")
		} else if n.watchdog > 0 {
			n.send(systemd.SdNotifyWatchdog)
		}
		if counts, err := j.CountJobs(ctx); err == nil {
			if now := status(counts, n.noted()); now != told {
				n.send("STATUS=" + now)
				told = now
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// status is what `systemctl status ftd` shows.
func status(counts map[api.State]int, trouble string) string {
	var parts []string
	for _, s := range []api.State{api.StateRunning, api.StateStopping, api.StateQueued} {
		if counts[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[s], s))
		}
	}
	says := "no jobs at work"
	if len(parts) > 0 {
		says = "jobs: " + strings.Join(parts, ", ")
	}
	if trouble != "" {
		says += "; " + strings.Join(strings.Fields(trouble), " ") // a line of its own would be another message
	}
	return says
}
