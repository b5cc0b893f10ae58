package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func (h *house) dial() net.Conn {
	h.t.Helper()
	conn, err := net.Dial("unix", h.Socket)
	require.NoError(h.t, err)
	h.t.Cleanup(func() { conn.Close() })
	return conn
}

// answers requires that somebody else is served.
func (h *house) answers() {
	h.t.Helper()
	_, err := h.GetVersion(h.t.Context())
	require.NoError(h.t, err)
}

func TestClientsThatHangHarmNobody(t *testing.T) {
	h := newHouse(t, owner())
	for _, begun := range []string{
		"",
		"GET /v1/version HTTP/1.1\r\nHost: ftd\r\n",
		"POST /v1/jobs HTTP/1.1\r\nHost: ftd\r\nContent-Length: 1000\r\n\r\n{",
		"POST /v1/jobs HTTP/1.1\r\nHost: ftd\r\nTransfer-Encoding: chunked\r\n\r\n",
		"GET /v1/events?follow=1 HTTP/1.1\r\nHost: ftd\r\n\r\n",
	} {
		for range 40 {
			_, err := io.WriteString(h.dial(), begun)
			require.NoError(t, err)
		}
		h.answers()
	}
}

// A client that is still there when the time for its body is up is told so: an
// empty 200 would look like a job that was taken.
func TestALateBodyIsAnswered(t *testing.T) {
	h := newHouse(t, owner())
	s := New(h.server.Config)
	s.bodyTimeout = 20 * time.Millisecond
	path := h.Socket + "2"
	l, err := Listen(t.Context(), path, false)
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	defer func() {
		require.NoError(t, s.Shutdown(t.Context()))
		require.NoError(t, <-served)
	}()
	for _, begun := range []string{
		"POST /v1/jobs HTTP/1.1\r\nHost: ftd\r\nContent-Length: 1000\r\n\r\n{",
		"POST /v1/call HTTP/1.1\r\nHost: ftd\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
	} {
		conn, err := net.Dial("unix", path)
		require.NoError(t, err)
		defer conn.Close()
		_, err = io.WriteString(conn, begun)
		require.NoError(t, err)
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusRequestTimeout, answer.StatusCode, "%s", body)
		require.Contains(t, string(body), "did not arrive within 20ms")
	}
}

// More connections than there are places: who says nothing loses its place, and
// whoever wants something gets one.
func TestAFloodOfConnectionsIsOutlived(t *testing.T) {
	h := newHouse(t, owner())
	for range maxConnections + 50 {
		h.dial()
	}
	h.answers()
}

func TestAFloodOfRequestsIsAnswered(t *testing.T) {
	h := newHouse(t, owner())
	h.job("01a")
	var wait sync.WaitGroup
	for i := range 32 {
		wait.Go(func() {
			for range 50 {
				status, _, body := h.request("GET", "/v1/jobs/01a", "")
				require.Equal(t, http.StatusOK, status, "%d: %s", i, body)
			}
		})
	}
	wait.Wait()
	h.answers()
}

func TestAGigabyteIsNotRead(t *testing.T) {
	h := newHouse(t, owner())
	const gigabyte = 1 << 30
	for _, c := range []struct{ path, header string }{
		{"/v1/jobs", fmt.Sprintf("Content-Length: %d\r\n", gigabyte)},
		{"/v1/jobs", "Transfer-Encoding: chunked\r\n"},
		{"/v1/plans", fmt.Sprintf("Content-Length: %d\r\n", gigabyte)},
		{"/v1/call", fmt.Sprintf("Content-Length: %d\r\n", gigabyte)},
		// A route that takes no body.
		{"/v1/jobs/01a/stop", fmt.Sprintf("Content-Length: %d\r\n", gigabyte)},
	} {
		conn := h.dial()
		_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: ftd\r\n%s\r\n", c.path, c.header)
		require.NoError(t, err)
		answer := make(chan int, 1)
		go func() {
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				answer <- 0 // hung up
				return
			}
			resp.Body.Close()
			answer <- resp.StatusCode
		}()
		body := make([]byte, 1<<20)
		for i := range body {
			body[i] = ' ' // as JSON may begin
		}
		sent := 0
		for sent < gigabyte {
			if c.header[0] == 'T' {
				_, err = fmt.Fprintf(conn, "%x\r\n%s\r\n", len(body), body)
			} else {
				_, err = conn.Write(body)
			}
			if err != nil {
				break
			}
			sent += len(body)
		}
		require.Error(t, err, "%s: all of it was taken", c.path)
		require.Less(t, sent, 2*maxCallBody, c.path)
		require.Contains(t, []int{http.StatusRequestEntityTooLarge, http.StatusNotFound, 0}, <-answer, c.path)
		h.answers()
	}
}
