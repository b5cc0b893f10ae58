package server

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

func TestABodyIsTakenToTheLetter(t *testing.T) {
	h := newHouse(t, owner())
	for body, says := range map[string]string{
		"":                                 "it is empty",
		`{"recipe":"tiny-llama"`:           "it ends too early",
		`{"recipe":"tiny-llama"}]`:         "more than one",
		`[]`:                               "the body must be an object, not array",
		`null`:                             "it must be an object",
		`{"priority":"high"}`:              "priority must be a whole number, not string",
		`{"force":1}`:                      "force must be true or false, not number",
		`{"priority":1e400}`:               "priority must be a whole number",
		`{"Recipe":"tiny-llama"}`:          "Recipe",
		`{"recipe":"a","recipe":"b"}`:      "it has recipe twice",
		`{"vars":{"a":"1","a":"2"}}`:       "it has a twice",
		`{"vars":{"a":null}}`:              "a is null",
		`{"skip_checks":null}`:             "skip_checks is null",
		"{\"command\":[\"\xff\"]}":         "it is not UTF-8",
		strings.Repeat("[", 100_000):       "max depth",
		`{"recipe":"tiny-llama"}` + "\x00": "more than one",
		"\xef\xbb\xbf{}":                   "invalid character",
	} {
		status, _, answer := h.request("POST", "/v1/plans", body)
		require.Equal(t, http.StatusBadRequest, status, "%.40s: %s", body, answer)
		var e api.Error
		require.NoError(t, json.Unmarshal([]byte(answer), &e))
		require.Contains(t, e.Message, says)
		require.NotContains(t, e.Message, "Go ")
	}
	status, _, answer := h.request("POST", "/v1/plans", `{"recipe":"tiny-llama","vars":{"NAME":"x"}}`)
	require.NotContains(t, answer, "small letters", "%d", status)
}

func TestABodyHasWhatItMustHave(t *testing.T) {
	h := newHouse(t, owner())
	for _, ask := range []struct{ method, path, body, says string }{
		{"PUT", "/v1/settings/notify", `{}`, "value is missing"},
		{"PUT", "/v1/settings/notify", `{"value":null}`, "value is null"},
		{"POST", "/v1/call", `{"module":"math"}`, "function is missing"},
	} {
		status, _, answer := h.request(ask.method, ask.path, ask.body)
		require.Equal(t, http.StatusBadRequest, status, answer)
		require.Contains(t, answer, ask.says)
	}
}

func TestAQueryIsTakenToTheLetter(t *testing.T) {
	h := newHouse(t, owner())
	h.job("01a")
	for path, says := range map[string]string{
		"/v1/jobs?limit=1&limit=2":            "limit is given 2 times",
		"/v1/jobs?limit=-1":                   "whole number",
		"/v1/jobs?limit=0":                    "whole number",
		"/v1/jobs?limit=99999999999999999999": "whole number",
		"/v1/jobs?before=%00":                 "not text",
		"/v1/jobs?before=%ff":                 "not text",
		"/v1/jobs?limit=1;active=1":           "malformed",
		"/v1/events?after=-2":                 "whole number",
		"/v1/jobs/01a/points?attempt=" + strings.Repeat("a", maxName+1): "attempt is longer",
		"/v1/jobs/01a/points?after=" + strings.Repeat("a", maxName+1):   "after is longer",
		"/v1/jobs/01a/logs?tail=-2":                                     "whole number",
		"/v1/jobs/01a/logs?rank=-1":                                     "whole number",
		"/v1/jobs/01a/logs?resume=..%2f..%2fx=-1":                       "resume",
		"/v1/jobs/" + strings.Repeat("a", maxName+1):                    "job is longer than 200",
		"/v1/jobs/a%00b": "job contains a zero byte",
		"/v1/jobs/a%0ab": "job contains a control character",
		"/v1/jobs/%ff":   "job is not UTF-8",
		"/v1/jobs/" + strings.Repeat("%25", maxName*2): "job is longer",
	} {
		status, _, answer := h.request("GET", path, "")
		require.Equal(t, http.StatusBadRequest, status, "%s: %s", path, answer)
		require.Contains(t, answer, says, path)
	}
	// Names are never paths.
	for _, path := range []string{"/v1/jobs/..%2f..%2fetc%2fpasswd", "/v1/jobs/01a/logs?step=..%2f..", "/v1/jobs/01a/logs?attempt=..%2fdata.1"} {
		status, _, answer := h.request("GET", path, "")
		require.Equal(t, http.StatusNotFound, status, "%s: %s", path, answer)
	}
}

// Not what the mux would do, which is to send the client somewhere else.
func TestAPathIsTakenToTheLetter(t *testing.T) {
	h := newHouse(t, owner())
	for _, line := range []string{"POST /v1//jobs", "GET /v1/./jobs", "GET /v1/jobs/../version", "GET /v1/jobs/", "OPTIONS *", "PRI *"} {
		conn := h.dial()
		_, err := fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: ftd\r\nConnection: close\r\n\r\n", line)
		require.NoError(t, err)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err, line)
		require.Equal(t, http.StatusNotFound, resp.StatusCode, line)
		require.Equal(t, "application/json", resp.Header.Get("Content-Type"), line)
		require.NotEmpty(t, resp.Header.Get(api.HeaderRequestID), line)
	}
}

func TestAHeadOfAStreamEndsAtOnce(t *testing.T) {
	h := newHouse(t, owner())
	h.job("01a")
	for _, path := range []string{"/v1/events?follow=1", "/v1/jobs/01a/logs?follow=1"} {
		status, _, _ := h.request("HEAD", path, "")
		require.Equal(t, http.StatusOK, status)
	}
	require.Zero(t, h.server.Streams())
}

func TestBodiesTogetherAreLimitedButSmallOnesAreServed(t *testing.T) {
	h := newHouse(t, owner())
	h.server.bodies.Store(maxBodies)
	status, _, answer := h.request("POST", "/v1/plans", `{"text":"`+strings.Repeat("x", 2*freeOfBody)+`"}`)
	require.Equal(t, http.StatusServiceUnavailable, status, answer)
	require.Contains(t, answer, codeBusy)
	status, _, answer = h.request("POST", "/v1/plans", `{}`)
	require.Equal(t, http.StatusBadRequest, status, answer)
	require.EqualValues(t, maxBodies, h.server.bodies.Load(), "what was refused is given back")
}

func TestAReaderWhoComesBackTooLateIsTold(t *testing.T) {
	h := newHouse(t, owner())
	h.job("01a")
	h.job("01b")
	last, _ := h.journal.LastEvent()
	h.forget(last - 2)
	read := func(after int64) (list []api.Event) {
		for e, err := range h.Events(t.Context(), api.EventsQuery{After: after}) {
			require.NoError(t, err)
			list = append(list, e)
		}
		return list
	}
	events := read(1)
	require.Equal(t, api.EventGap, events[0].Type)
	require.JSONEq(t, fmt.Sprintf(`{"after":1,"oldest":%d}`, last-1), string(events[0].Data))
	require.Equal(t, []int64{last - 2, last - 1, last}, []int64{events[0].ID, events[1].ID, events[2].ID})
	require.Equal(t, api.EventGap, read(last - 3)[0].Type, "one is missing")
	for _, after := range []int64{0, last - 2, last - 1, last} { // nothing is missing
		for _, e := range read(after) {
			require.NotEqual(t, api.EventGap, e.Type, after)
		}
	}
	for e, err := range h.Events(t.Context(), api.EventsQuery{After: last + 1, Follow: true}) {
		requireCode(t, err, api.CodeConflict)
		require.ErrorContains(t, err, "another state directory")
		require.Zero(t, e)
	}
}

// As many as may be follow events already.
func TestWhoOnlyLooksKeepsNobodyFromFollowing(t *testing.T) {
	fill := func(h *house, n int) {
		for range n {
			h.server.streams <- struct{}{}
		}
	}
	guest := newHouse(t, Access{Owner: uint32(os.Geteuid()) + 1, ReadForOthers: true})
	if os.Geteuid() == 0 {
		guest = nil // root is nobody's guest
	}
	host := newHouse(t, owner())
	most := cap(host.server.streams)
	if guest != nil {
		fill(guest, most*3/4)
		status, _, answer := guest.request("GET", "/v1/events", "")
		require.Equal(t, http.StatusServiceUnavailable, status, answer)
	}
	fill(host, most-1)
	status, _, answer := host.request("GET", "/v1/events", "")
	require.Equal(t, http.StatusOK, status, answer)
	fill(host, 1)
	status, _, answer = host.request("GET", "/v1/events", "")
	require.Equal(t, http.StatusServiceUnavailable, status, answer)
}

func TestAShutdownWaitsForNobodyWhoHangs(t *testing.T) {
	h := newHouse(t, owner())
	for range h.server.places + 50 {
		conn := h.dial()
		_, err := io.WriteString(conn, "GET /v1/version HTTP/1.1\r\nHost: ftd\r\n\r\n")
		require.NoError(t, err)
	}
	h.answers()
	require.NoError(t, h.server.Shutdown(t.Context()))
}

func TestASocketOfAnotherIsNotRemovedAtTheEnd(t *testing.T) {
	path := place(t)
	first, err := Listen(t.Context(), path, false)
	require.NoError(t, err)
	require.NoError(t, os.Remove(path)) // by whoever tidies up
	second, err := Listen(t.Context(), path, false)
	require.NoError(t, err)
	require.NoError(t, first.Close())
	conn, err := net.Dial("unix", path)
	require.NoError(t, err, "it is the second one's")
	require.NoError(t, conn.Close())
	require.NoError(t, second.Close())
	require.NoFileExists(t, path)
}

// Each finds a dead socket; one takes it over, and the others do not remove its.
func TestDaemonsThatStartAtOnceTakeTurns(t *testing.T) {
	for range 20 {
		path := place(t)
		stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		require.NoError(t, err)
		stale.SetUnlinkOnClose(false)
		require.NoError(t, stale.Close())
		var wait sync.WaitGroup
		won := make(chan net.Listener, 8)
		for range cap(won) {
			wait.Go(func() {
				l, err := Listen(t.Context(), path, false)
				if err == nil {
					won <- l
				}
			})
		}
		wait.Wait()
		require.Len(t, won, 1, filepath.Base(path))
		require.NoError(t, (<-won).Close())
	}
}
