package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// newer answers as a daemon of years to come: with states, phases, kinds, events
// and fields that nobody knows here.
func newer(t *testing.T) (socket string) {
	t.Helper()
	const job = `{"id": "01newer", "name": "tomorrow", "recipe": "r", "state": "%s", "created": "2031-01-01T00:00:00Z", "started": "2031-01-01T00:00:01Z"%s,
		"event": 5, "mood": {"deep": [1]}, "steps": [{"id": "tune", "uses": "quantum", "state": "entangled", "attempts":
		[{"id": "tune.1", "step": "tune", "number": 1, "state": "folding", "spin": 0.5}]}], "training": {"attempt": "tune.1", "phase": "warping",
		"phase_since": "2031-01-01T00:00:02Z", "steps_done": 3, "steps_total": 9, "aura": true, "checkpoints": [{"path": "/c", "soul": 1}]}}`
	ended := fmt.Sprintf(job, "archived", `, "ended": "2031-01-01T01:00:00Z"`)
	dir, err := os.MkdirTemp("", "ftctl")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket = filepath.Join(dir, "ftd.sock")
	l, err := net.Listen("unix", socket)
	require.NoError(t, err)
	var seen atomic.Bool
	mux := http.NewServeMux()
	answer := func(pattern, text string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) })
	}
	mux.HandleFunc("GET /v1/jobs/{job}", func(w http.ResponseWriter, _ *http.Request) {
		if seen.Load() {
			fmt.Fprint(w, ended)
			return
		}
		fmt.Fprintf(w, job, "levitating", "")
	})
	mux.HandleFunc("GET /v1/events", func(w http.ResponseWriter, _ *http.Request) {
		seen.Store(true)
		for id, event := range []string{
			`{"id": 6, "job": "01newer", "type": "omen", "data": [[]]}`,
			`{"id": 7, "job": "01newer", "type": "phase", "data": {"phase": "folding", "since": "2031-01-01T00:00:02Z", "hue": 3}}`,
			`{"id": 8, "job": "01newer", "type": "job", "data": ` + strings.ReplaceAll(ended, "\n", " ") + `}`,
		} {
			fmt.Fprintf(w, "id: %d\nevent: x\nlater: y\ndata: %s\n\n", id+6, event)
		}
	})
	answer("GET /v1/jobs", `{"jobs": [`+fmt.Sprintf(job, "levitating", "")+`,`+ended+`], "weather": "fine"}`)
	answer("GET /v1/jobs/{job}/points", `{"points": [{"attempt": "tune.1", "step": 1, "global_step": 1, "loss": 2, "joy": 1}], "x": 1}`)
	answer("GET /v1/jobs/{job}/logs", "a line\n")
	answer("GET /v1/version", `{"version": "v9.0", "api": 7, "pid": 1, "planet": "earth"}`)
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(api.HeaderAPI, "7")
		w.Header().Set(api.HeaderVersion, "v9.0")
		mux.ServeHTTP(w, r)
	})}}
	server.Start()
	t.Cleanup(server.Close)
	return socket
}

func TestANewerDaemonIsUnderstoodAsFarAsPossible(t *testing.T) {
	socket := newer(t)
	t.Setenv("FTD_SOCKET", socket)
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"ps"}, []string{"levitating", "warping", "archived"}},
		{[]string{"ps", "-a", "-o", "wide"}, []string{"levitating"}},
		{[]string{"show", "01newer"}, []string{"levitating", "quantum", "entangled", "warping"}},
		{[]string{"logs", "-f", "01newer"}, []string{"a line"}},
		{[]string{"loss", "01newer"}, []string{"2"}},
		{[]string{"version"}, []string{"v9.0"}},
	} {
		out, talk, status := run(t, c.args...)
		require.Zero(t, status, "%v: %s", c.args, talk)
		for _, words := range c.want {
			require.Contains(t, out, words, "%v", c.args)
		}
	}
	// It ends when the job does, though in a way that is not known.
	out, talk, status := run(t, "wait", "01newer")
	require.Equal(t, exitJob, status, talk)
	require.Contains(t, out, "folding")
	require.Contains(t, out, "archived")
	require.Equal(t, 1, strings.Count(talk, "different versions of the API"), talk)
}

func TestWatchShowsWhatANewerDaemonSays(t *testing.T) {
	term := startFullScreen(t, 100, 30, ftctlProcess(t, newer(t), "watch", "01newer"))
	term.shows("tomorrow", "- tune", "warping", "a line")
	term.press("q")
	require.Zero(t, term.end())
}
