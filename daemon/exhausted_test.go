package daemon

import (
	"io"
	"net"
	"net/http"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"ftd/api"
)

// A daemon that may open few files: clients take them all, and let them go.
func TestFilesThatRunOutAreOutlived(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	before := h.version()
	sleep, err := exec.LookPath("sleep")
	require.NoError(t, err)
	running, err := h.Submit(t.Context(), api.Submit{Command: []string{sleep, "1000"}, Dir: h.dir})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		job, err := h.Job(t.Context(), running.ID)
		require.NoError(t, err)
		return len(job.Steps[0].Attempts) > 0 && job.Steps[0].Attempts[0].PID > 0
	}, waitLong, waitTick)

	var few unix.Rlimit
	require.NoError(t, unix.Prlimit(h.daemon.Process.Pid, unix.RLIMIT_NOFILE, nil, &few))
	few.Cur = 64
	require.NoError(t, unix.Prlimit(h.daemon.Process.Pid, unix.RLIMIT_NOFILE, &few, nil))
	var conns []net.Conn
	for range 200 {
		conn, err := net.Dial("unix", h.Socket)
		require.NoError(t, err)
		_, err = io.WriteString(conn, "GET /v1/events?follow=1 HTTP/1.1\r\nHost: ftd\r\n\r\n")
		require.NoError(t, err)
		conns = append(conns, conn)
	}
	for _, conn := range conns {
		require.NoError(t, conn.Close())
	}
	require.Equal(t, before.PID, h.version().PID)
	job, err := h.Submit(t.Context(), api.Submit{Command: []string{sleep, "0"}, Dir: h.dir, Priority: 1})
	require.NoError(t, err)
	_, err = h.Stop(t.Context(), running.ID)
	require.NoError(t, err)
	require.Equal(t, api.StateStopped, h.wait(running.ID).State)
	require.Equal(t, api.StateSucceeded, h.wait(job.ID).State)
	require.Equal(t, before.Started, h.version().Started)
}

// Whoever can reach the metrics' address may hang there; it is scraped all the same.
func TestScrapersThatHangKeepNobodyOut(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	newHouse(t, "--metrics-address", address)
	for _, begun := range []string{"", "GET /metr", "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"} {
		for range 2 * maxScrapers {
			conn, err := net.Dial("tcp", address)
			require.NoError(t, err)
			defer conn.Close()
			_, err = io.WriteString(conn, begun)
			require.NoError(t, err)
		}
		// While others really scrape it may be asked to come again.
		require.Eventually(t, func() bool {
			resp, err := http.Get("http://" + address + "/metrics")
			require.NoError(t, err)
			defer resp.Body.Close()
			_, err = io.Copy(io.Discard, resp.Body)
			require.NoError(t, err)
			return resp.StatusCode == http.StatusOK
		}, waitLong, waitTick)
	}
}
