package daemon

import (
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"ftd/api"
)

// patience is systemd's: TimeoutStopSec of the unit. Who takes longer is killed.
const patience = 10 * time.Second

// leaves ends the daemon as systemd would.
func (h *house) leaves() {
	h.t.Helper()
	kill := time.AfterFunc(patience, func() { _ = h.daemon.Process.Kill() })
	h.end(syscall.SIGTERM) // with status 0
	require.True(h.t, kill.Stop(), "it was killed")
}

// Whatever people and machines do with the daemon, it ends soon when it is told
// to, and what it was doing goes on with the next one.
func TestNobodyHoldsTheShutdownUp(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 10)
	enough := make(chan struct{})
	hook := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-enough
	})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = hook.Serve(l) }()
	t.Cleanup(func() { close(enough); hook.Close() })
	metrics, err := net.Listen("tcp", "127.0.0.1:0") // a free address
	require.NoError(t, err)
	require.NoError(t, metrics.Close())
	whom := filepath.Join(t.TempDir(), "notify.yaml")
	require.NoError(t, os.WriteFile(whom, fmt.Appendf(nil, `
- {name: hangs, url: "http://%s/", timeout: 1h}
- {name: sleeps, command: [sh, -c, "trap '' TERM INT; echo >%s.begun; sleep 600 & wait"], timeout: 1h}
`, l.Addr(), whom), 0o600))
	h := newHouse(t, "--notify", whom, "--metrics-address", metrics.Addr().String(), "--slots", "2")

	h.wait(h.train("--steps", "1", "--step-ms", "1").ID)
	<-asked // the webhook has the notice, and does not answer
	require.Eventually(t, func() bool { _, err := os.Stat(whom + ".begun"); return err == nil }, waitLong, waitTick)
	job := h.train("--steps", "100000", "--step-ms", "10")
	h.until(job.ID, hasPoints)

	for _, c := range []struct{ network, address, says string }{
		{"unix", h.Socket, "GET /v1/version HTTP/1.1\r\nHost:"},                                          // and hangs
		{"unix", h.Socket, "GET /v1/events?follow=true HTTP/1.1\r\nHost: ftd\r\n\r\n"},                   // and never reads
		{"unix", h.Socket, "GET /v1/jobs/" + job.ID + "/logs?follow=true HTTP/1.1\r\nHost: ftd\r\n\r\n"}, // likewise
		{"unix", h.Socket, "POST /v1/jobs HTTP/1.1\r\nHost: ftd\r\nContent-Length: 1000\r\n\r\n{"},       // and sends no more
		{"tcp", metrics.Addr().String(), "GET /metrics HTTP/1.1\r\nHost:"},
		{"tcp", metrics.Addr().String(), "GET /metrics HTTP/1.1\r\nHost: ftd\r\n\r\n"},
	} {
		conn, err := net.Dial(c.network, c.address)
		require.NoError(t, err)
		defer conn.Close()
		_, err = io.WriteString(conn, c.says)
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { // both followers are there
		body, err := h.Metrics(t.Context())
		require.NoError(t, err)
		defer body.Close()
		text, err := io.ReadAll(body)
		require.NoError(t, err)
		return strings.Contains(string(text), "\nftd_streams 2\n")
	}, waitLong, waitTick)
	h.leaves()
	require.NotContains(t, h.said(), "does not let go")
	h.start()
	require.Equal(t, api.StateRunning, h.job(job.ID).State)
	<-asked // what did not arrive is told by the next daemon
}

// Who stops the daemon in the middle of a restart means it.
func TestAShutdownDuringARestartIsNoRestart(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	slow, err := net.Dial("unix", h.Socket) // the restart lets it finish
	require.NoError(t, err)
	defer slow.Close()
	_, err = io.WriteString(slow, "POST /v1/jobs HTTP/1.1\r\nHost: ftd\r\nContent-Length: 1000\r\n\r\n{")
	require.NoError(t, err)
	h.version() // it was accepted after the other
	require.NoError(t, h.Restart(t.Context()))
	require.Eventually(t, func() bool { return strings.Contains(h.said(), "restarting in place") }, waitLong, waitTick)
	h.leaves()
	require.Equal(t, 1, strings.Count(h.said(), `"ready"`), "it has not come back")
	require.NoFileExists(t, h.Socket)
	h.start()
}

// holdJournal takes the journal's lock, as somebody with a tool might, until
// release is called: nothing can be stored. By the time it returns there is
// something to store.
func (h *house) holdJournal(job string) (release func()) {
	h.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(h.dir, "state", "journal.db"))
	require.NoError(h.t, err)
	h.t.Cleanup(func() { db.Close() })
	c, err := db.Conn(h.t.Context())
	require.NoError(h.t, err)
	require.Eventually(h.t, func() bool {
		_, err := c.ExecContext(h.t.Context(), "BEGIN IMMEDIATE")
		return err == nil
	}, waitLong, waitTick)
	log := filepath.Join(h.job(job).Steps[0].Attempts[0].Dir, "rank_0.log")
	size := func() int64 {
		info, err := os.Stat(log)
		require.NoError(h.t, err)
		return info.Size()
	}
	held := size()
	require.Eventually(h.t, func() bool { return size() > held+50_000 }, waitLong, waitTick)
	return func() {
		_, err = c.ExecContext(h.t.Context(), "ROLLBACK")
		require.NoError(h.t, err)
	}
}

func TestAJournalThatIsHeldDoesNotHoldTheShutdownUp(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	job := h.train("--steps", "100000", "--step-ms", "10")
	h.until(job.ID, hasPoints)
	release := h.holdJournal(job.ID)
	h.leaves()
	require.Contains(t, h.said(), "something does not let go")
	release()
	h.start()
	require.Equal(t, api.StateRunning, h.job(job.ID).State)
	h.until(job.ID, hasPoints)
	h.points(job.ID) // each once
}
