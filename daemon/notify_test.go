package daemon

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// manager is systemd's end of the socket that services report to.
type manager struct {
	t    *testing.T
	path string
	said chan string
}

func newManager(t *testing.T) *manager {
	t.Helper()
	dir, err := os.MkdirTemp("", "ftd")
	require.NoError(t, err)
	m := &manager{t: t, path: filepath.Join(dir, "notify"), said: make(chan string, 100_000)}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.path, Net: "unixgram"})
	require.NoError(t, err)
	// Always listening, as systemd: who reports must not wait.
	go func() {
		defer close(m.said)
		buffer := make([]byte, 4096)
		for {
			n, err := conn.Read(buffer)
			if err != nil {
				return
			}
			m.said <- string(buffer[:n])
		}
	}()
	t.Cleanup(func() {
		conn.Close()
		os.RemoveAll(dir)
	})
	return m
}

// hears waits for a message that holds the line, and returns all up to it.
func (m *manager) hears(line string) (heard []string) {
	m.t.Helper()
	limit := time.After(waitLong)
	for {
		select {
		case message, ok := <-m.said:
			heard = append(heard, message)
			if !ok || strings.Contains("\n"+message+"\n", "\n"+line+"\n") {
				require.True(m.t, ok, "the socket was closed")
				return heard
			}
		case <-limit:
			require.Fail(m.t, "waited in vain", "for %s, after %v", line, heard)
		}
	}
}

// again starts the house's daemon as a service of systemd.
func (h *house) again(m *manager, env ...string) {
	h.t.Helper()
	h.end(syscall.SIGTERM)
	h.env = append([]string{"NOTIFY_SOCKET=" + m.path, "WATCHDOG_USEC=300000"}, env...)
	h.start()
}

func TestSystemdIsToldHowTheDaemonIs(t *testing.T) {
	t.Parallel()
	h, m := newHouse(t), newManager(t)
	h.again(m)
	require.Len(t, m.hears("READY=1"), 1, "the first message")
	m.hears("STATUS=no jobs at work")
	m.hears("WATCHDOG=1")
	m.hears("WATCHDOG=1")
	job := h.train("--steps", "100000", "--step-ms", "10")
	m.hears("STATUS=jobs: 1 running")

	require.NoError(t, h.daemon.Process.Signal(syscall.SIGHUP))
	said := m.hears("RELOADING=1")
	require.Contains(t, said[len(said)-1], "MONOTONIC_USEC=")
	m.hears("READY=1")

	h.until(job.ID, hasPoints)
	before := h.version()
	require.NoError(t, h.Restart(t.Context()))
	m.hears("RELOADING=1")
	for _, message := range m.hears("READY=1") {
		require.NotContains(t, message, "STOPPING")
	}
	h.restarted(before)
	m.hears("WATCHDOG=1")

	// What systemd says to the daemon is not for trainings.
	environ, err := os.ReadFile(filepath.Join("/proc", itoa(h.job(job.ID).Steps[0].Attempts[0].PID), "environ"))
	require.NoError(t, err)
	require.NotContains(t, string(environ), "NOTIFY_SOCKET")
	require.NotContains(t, string(environ), "FTD_HANDOVER")
	h.end(syscall.SIGTERM)
	m.hears("STOPPING=1")
}

// A manager whose queue is full and who reads nothing holds nothing up; what it
// must know it is told as soon as it listens again.
func TestAManagerThatDoesNotListenHoldsNothingUp(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	deaf := filepath.Join(h.dir, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: deaf, Net: "unixgram"})
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	full, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: deaf, Net: "unixgram"})
	require.NoError(t, err)
	defer full.Close()
	fill := func() {
		for err = nil; err == nil; {
			require.NoError(t, full.SetWriteDeadline(time.Now().Add(50*time.Millisecond)))
			_, err = full.Write([]byte("STATUS=full"))
		}
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	}
	fill()

	h.again(&manager{path: deaf})
	job := h.train("--steps", "100000", "--step-ms", "10")
	h.until(job.ID, hasPoints)
	_, err = h.Reload(t.Context())
	require.NoError(t, err)
	before := h.version()
	require.NoError(t, h.Restart(t.Context()))
	h.restarted(before)
	untold := func() bool { return strings.Count(h.said(), "systemd cannot be told") == 2 } // by each of them once
	require.Eventually(t, untold, waitLong, waitTick)

	// What it was never told comes with the next message.
	buffer := make([]byte, 4096)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(waitLong)))
	for heard := ""; !strings.Contains(heard, "READY=1"); heard = string(buffer) {
		clear(buffer)
		_, err = conn.Read(buffer)
		require.NoError(t, err)
	}
	fill()
	h.end(syscall.SIGTERM) // with status 0
}

func TestSystemdOpensTheSocket(t *testing.T) {
	t.Parallel()
	h, m := newHouse(t), newManager(t)
	h.end(syscall.SIGTERM)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: h.Socket, Net: "unix"})
	require.NoError(t, err)
	l.SetUnlinkOnClose(false)
	t.Cleanup(func() { l.Close() })
	file, err := l.File()
	require.NoError(t, err)
	t.Cleanup(func() { file.Close() })
	h.files = []*os.File{file}
	h.env = []string{"NOTIFY_SOCKET=" + m.path, "LISTEN_FDS=1"}
	h.start()
	m.hears("READY=1")
	before := h.version()
	require.NoError(t, h.Restart(t.Context()))
	h.restarted(before)
	job := h.train("--steps", "3", "--step-ms", "1")
	require.Equal(t, api.StateSucceeded, h.wait(job.ID).State)
	h.end(syscall.SIGTERM)
	require.FileExists(t, h.Socket, "it is systemd's")
	// Whoever connects now is answered by the next daemon.
	type answer struct {
		v   *api.Version
		err error
	}
	answered := make(chan answer, 1)
	go func() {
		v, err := (&api.Client{Socket: h.Socket}).GetVersion(t.Context())
		answered <- answer{v, err}
	}()
	h.start()
	a := <-answered
	require.NoError(t, a.err)
	require.Equal(t, h.daemon.Process.Pid, a.v.PID)

	// Only systemd can put it back.
	aside := h.Socket + ".aside"
	require.NoError(t, os.Rename(h.Socket, aside))
	require.Eventually(t, func() bool { return strings.Contains(h.said(), "systemctl restart ftd.socket") }, waitLong, waitTick)
	require.NoFileExists(t, h.Socket)
	require.NoError(t, os.Rename(aside, h.Socket))
}
