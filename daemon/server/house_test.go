package server

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"ftd/api"
	"ftd/daemon/engine"
	"ftd/daemon/journal"
	"ftd/daemon/statedir"
	"ftd/recipe"
)

// house is a server on a real socket, over a real engine and journal. There is
// no Python in it.
type house struct {
	*api.Client
	t       *testing.T
	dir     string
	journal *journal.Journal
	server  *Server
}

type noPython struct{}

func (noPython) Interpreter() string { return "" }

func (noPython) Call(context.Context, recipe.PythonCall) (json.RawMessage, error) {
	return nil, &recipe.Problem{Code: api.CodeNoPython, Message: "there is no Python here"}
}

func (noPython) Query(_ context.Context, r api.CallRequest) (json.RawMessage, string, error) {
	if r.Module == "panics" {
		panic("on purpose")
	}
	return nil, "", errors.New("there is no Python here")
}

func newHouse(t *testing.T, access Access) *house {
	t.Helper()
	dir, err := os.MkdirTemp("", "ftd") // t.TempDir may be too long for a socket
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755)) // other users must reach the socket
	state, err := statedir.Open(filepath.Join(dir, "state"))
	require.NoError(t, err)
	j, _, err := journal.Open(t.Context(), state.Journal())
	require.NoError(t, err)
	e, err := engine.New(engine.Config{Journal: j, State: state, Python: noPython{}, Slots: 1, Log: zerolog.Nop()})
	require.NoError(t, err)
	h := &house{t: t, dir: dir, journal: j, Client: &api.Client{Socket: filepath.Join(dir, "ftd.sock"), Version: "test"}}
	l, err := Listen(t.Context(), h.Socket, true)
	require.NoError(t, err)
	h.server = New(Config{
		Jobs: e, Journal: j, Access: access, Log: zerolog.Nop(),
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") }),
		Version: func() api.Version { return api.Version{Version: "v1.2.3", API: api.APIVersion} },
	})
	served := make(chan error, 1)
	go func() { served <- h.server.Serve(l) }()
	t.Cleanup(func() {
		h.Close()
		require.NoError(t, h.server.Shutdown(context.Background()))
		require.NoError(t, <-served)
		require.NoError(t, e.Close(context.Background()))
		require.NoError(t, j.Close())
		require.NoError(t, state.Close())
		require.NoError(t, os.RemoveAll(dir))
	})
	return h
}

func owner() Access { return Access{Owner: uint32(os.Geteuid())} }

// job stores a job with one step and an attempt, whose directory is returned.
func (h *house) job(id string) (dir string) {
	h.t.Helper()
	ctx := h.t.Context()
	dir = filepath.Join(h.dir, id)
	require.NoError(h.t, h.journal.CreateJob(ctx, api.Job{ID: id, Name: "a-job", State: api.StateQueued, Dir: dir, Created: time.Now(),
		Steps: []api.Step{{ID: "data", Uses: "data", State: api.StateQueued}, {ID: "train", Uses: "train", State: api.StateQueued}}}, api.Submit{}))
	for _, step := range []string{"data", "train"} {
		a, err := h.journal.BeginAttempt(ctx, id, step, "boot", func(a string) string { return filepath.Join(dir, a) })
		require.NoError(h.t, err)
		require.NoError(h.t, os.MkdirAll(a.Dir, 0o755))
	}
	return dir
}

func (h *house) progress(job string) {
	h.t.Helper()
	require.NoError(h.t, h.journal.Emit(h.t.Context(), api.Event{Job: job, Type: api.EventProgress, Data: json.RawMessage(`{"done":1}`)}))
}

// request sends a raw request and returns the status and the body.
func (h *house) request(method, path, body string, header ...string) (int, http.Header, string) {
	h.t.Helper()
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", h.Socket)
	}}}
	req, err := http.NewRequestWithContext(h.t.Context(), method, "http://localhost"+path, strings.NewReader(body))
	require.NoError(h.t, err)
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := c.Do(req)
	require.NoError(h.t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(h.t, err)
	return resp.StatusCode, resp.Header, string(data)
}

func requireCode(t *testing.T, err error, code string) {
	t.Helper()
	var e *api.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.Code, e.Error())
}

// forget deletes events up to that one, as the journal does after a month.
func (h *house) forget(upTo int64) {
	h.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(h.dir, "state", "journal.db"))
	require.NoError(h.t, err)
	defer db.Close()
	_, err = db.ExecContext(h.t.Context(), `DELETE FROM events WHERE id <= ?`, upTo)
	require.NoError(h.t, err)
}
