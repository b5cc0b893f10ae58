package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

func TestEventsAreReadToTheEndOrFollowed(t *testing.T) {
	h := newHouse(t, owner())
	h.job("01a")
	h.job("01b")
	last, _ := h.journal.LastEvent()
	var ids []int64
	for e, err := range h.Events(t.Context(), api.EventsQuery{}) {
		require.NoError(t, err)
		ids = append(ids, e.ID)
	}
	require.Len(t, ids, int(last))
	for e, err := range h.Events(t.Context(), api.EventsQuery{Job: "01a"}) {
		require.NoError(t, err)
		require.Equal(t, "01a", e.Job)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	n := 0
	h.progress("01b")
	for e, err := range h.Events(ctx, api.EventsQuery{After: last, Job: "01b", Follow: true}) {
		require.NoError(t, err)
		require.Equal(t, api.EventProgress, e.Type)
		require.Equal(t, "01b", e.Job)
		if n++; n == 3 {
			break
		}
		h.progress("01a")
		h.progress("01b")
	}
}

func TestAStreamFromNowOnDoesNotShowThePast(t *testing.T) {
	h := newHouse(t, owner())
	h.job("01a")
	status, _, body := h.request("GET", "/v1/events?after=-1", "")
	require.Equal(t, 200, status)
	last, _ := h.journal.LastEvent()
	require.Equal(t, fmt.Sprintf("id: %d\n\n", last), body)
}

func TestAStreamGoesOnAfterTheLastEventId(t *testing.T) {
	h := newHouse(t, owner())
	h.job("01a")
	last, _ := h.journal.LastEvent()
	_, header, body := h.request("GET", "/v1/events?after=0", "", "Last-Event-ID", fmt.Sprint(last-1))
	require.Equal(t, "text/event-stream", header.Get("Content-Type"))
	require.Equal(t, 1, strings.Count(body, "data: "))
	require.Contains(t, body, fmt.Sprintf(`data: {"id":%d,`, last))
}

func TestAReaderWhoNeverReadsHurtsNobody(t *testing.T) {
	h := newHouse(t, owner())
	h.job("01a")
	for range 10 {
		conn, err := net.Dial("unix", h.Socket)
		require.NoError(t, err)
		defer conn.Close()
		_, err = io.WriteString(conn, "GET /v1/events?follow=1 HTTP/1.1\r\nHost: ftd\r\n\r\n")
		require.NoError(t, err)
	}
	// More than a socket's buffers hold.
	note := strings.Repeat("x", 64<<10)
	var events []api.Event
	for range 50 {
		events = append(events, api.Event{Job: "01a", Type: api.EventProgress, Data: []byte(`{"note":"` + note + `"}`)})
	}
	require.NoError(t, h.journal.Emit(t.Context(), events...))
	n := 0
	for e, err := range h.Events(t.Context(), api.EventsQuery{}) {
		require.NoError(t, err)
		if e.Type == api.EventProgress {
			n++
		}
	}
	require.Equal(t, len(events), n)
}

func TestLogsOfSeveralStepsAreToldApart(t *testing.T) {
	h := newHouse(t, owner())
	dir := h.job("01a")
	write := func(name, text string) {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		require.NoError(t, err)
		_, err = f.WriteString(text)
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
	write("data.1/step.log", "one\ntwo\nthree")
	write("train.1/rank_0.log", "a\nb\n")
	write("train.1/rank_10.log", "other\n")
	read := func(q api.LogsQuery) string {
		t.Helper()
		r, err := h.Logs(t.Context(), "01a", q)
		require.NoError(t, err)
		defer r.Close()
		text, err := io.ReadAll(r)
		require.NoError(t, err)
		return string(text)
	}
	ten := 10
	require.Equal(t, "==> data.1/step.log <==\none\ntwo\nthree\n==> train.1/rank_0.log <==\na\nb\n", read(api.LogsQuery{}))
	require.Equal(t, "two\nthree", read(api.LogsQuery{Step: "data", Tail: 2}))
	require.Equal(t, "one\ntwo\nthree", read(api.LogsQuery{Step: "data", Tail: 9}))
	require.Equal(t, "b\n", read(api.LogsQuery{Attempt: "train.1", Tail: 1}))
	require.Equal(t, "other\n", read(api.LogsQuery{Step: "train", Rank: &ten}))
	_, err := h.Logs(t.Context(), "01a", api.LogsQuery{Step: "convert"})
	requireCode(t, err, api.CodeNotFound)
	require.ErrorContains(t, err, "data, train")
	three := 3
	_, err = h.Logs(t.Context(), "01a", api.LogsQuery{Rank: &three})
	requireCode(t, err, api.CodeNotFound)
	require.ErrorContains(t, err, "0 to 10")
	require.Empty(t, read(api.LogsQuery{Tail: api.NoTail}))

	r, err := h.Logs(t.Context(), "01a", api.LogsQuery{Follow: true})
	require.NoError(t, err)
	defer r.Close()
	lines := bufio.NewScanner(r)
	for _, want := range []string{"==> data.1/step.log <==", "one", "two", "three", "==> train.1/rank_0.log <==", "a", "b"} {
		require.True(t, lines.Scan())
		require.Equal(t, want, lines.Text())
	}
	write("train.1/rank_0.log", "c\n")
	require.True(t, lines.Scan())
	require.Equal(t, "c", lines.Text())
	write("train.1/rank_0.log", "the end\n")
	_, err = h.journal.SetJob(t.Context(), "01a", api.StateSucceeded, nil)
	require.NoError(t, err)
	require.True(t, lines.Scan())
	require.Equal(t, "the end", lines.Text())
	require.False(t, lines.Scan(), "the job has ended")
}

// Who wants the end of a log, or nothing of what is there, gets all of the logs
// that appear meanwhile.
func TestALogThatAppearsIsReadFromItsBeginning(t *testing.T) {
	h := newHouse(t, owner())
	dir := h.job("01a")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "data.1"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "data.1", "step.log"), []byte("one\ntwo\n"), 0o600))
	read := map[int]*bufio.Scanner{}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, tail := range []int{api.NoTail, 1} {
		r, err := h.Logs(ctx, "01a", api.LogsQuery{Follow: true, Tail: tail})
		require.NoError(t, err)
		defer r.Close()
		read[tail] = bufio.NewScanner(r)
	}
	line := func(tail int) string {
		require.True(t, read[tail].Scan())
		return read[tail].Text()
	}
	require.Equal(t, "==> data.1/step.log <==", line(1))
	require.Equal(t, "two", line(1))
	// Its first look is over when it has answered what comes next.
	f, err := os.OpenFile(filepath.Join(dir, "data.1", "step.log"), os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	defer f.Close()
	more := func() {
		_, err = f.WriteString("more\n")
		require.NoError(t, err)
	}
	heard := make(chan string, 1)
	go func() { heard <- line(api.NoTail) }()
	for waits := true; waits; {
		more()
		select {
		case text := <-heard:
			require.Equal(t, "==> data.1/step.log <==", text)
			waits = false
		case <-time.After(lookAgain):
		}
	}
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "train.1"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "train.1", "rank_0.log"), []byte("a\nb\nc\n"), 0o600))
	for tail := range read {
		text := ""
		for text != "==> train.1/rank_0.log <==" {
			text = line(tail)
			require.NotEqual(t, "one", text)
			require.NotEqual(t, "two", text)
		}
		require.Equal(t, []string{"a", "b", "c"}, []string{line(tail), line(tail), line(tail)})
	}
}

func TestAShutdownEndsTheStreams(t *testing.T) {
	h := newHouse(t, owner())
	h.job("01a")
	r, err := h.Logs(t.Context(), "01a", api.LogsQuery{Follow: true})
	require.NoError(t, err)
	defer r.Close()
	require.NoError(t, h.server.Shutdown(t.Context()))
	_, err = io.ReadAll(r)
	requireCode(t, err, api.CodeUnreachable) // the log is not at its end, and no daemon came after this one
}
