package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// serve answers on a Unix socket in place of a daemon, to break off where a
// daemon does only when it is killed.
func serve(t *testing.T, handler http.HandlerFunc) (socket string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "ftd")
	require.NoError(t, err)
	socket = filepath.Join(dir, "s")
	listen(t, socket, handler)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return socket
}

func listen(t *testing.T, socket string, handler http.HandlerFunc) {
	t.Helper()
	l, err := net.Listen("unix", socket)
	require.NoError(t, err)
	server := &http.Server{Handler: handler}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
}

func requireCode(t *testing.T, err error, code string) {
	t.Helper()
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.Code, err.Error())
}

func TestAStreamThatBreaksGoesOnAfterTheLastEvent(t *testing.T) {
	var asked []string
	socket := serve(t, func(w http.ResponseWriter, r *http.Request) {
		after := r.URL.Query().Get("after")
		asked = append(asked, after)
		var id int
		fmt.Sscan(after, &id)
		fmt.Fprintf(w, "id: %d\n\n", max(id, 10))
		id = max(id, 10)
		// The event before comes again, as after a proxy's replay.
		for _, n := range []int{id, id + 1, id + 2} {
			fmt.Fprintf(w, "id: %d\nevent: job\ndata: {\"id\":%d,\"type\":\"job\"}\n\n", n, n)
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		if len(asked) == 1 {
			panic(http.ErrAbortHandler) // in the middle of the answer
		}
	})
	c := &Client{Socket: socket}
	var ids []int64
	for e, err := range c.Events(t.Context(), EventsQuery{After: Now, Follow: true}) {
		require.NoError(t, err)
		if ids = append(ids, e.ID); len(ids) == 6 {
			break
		}
	}
	require.Equal(t, []int64{11, 12, 13, 14, 15, 16}, ids)
	require.Equal(t, []string{"-1", "12", "14"}, asked)
}

func TestAStreamEndsWithTheReasonWhenTheDaemonStaysAway(t *testing.T) {
	var calls atomic.Int32
	socket := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 1 {
			fmt.Fprint(w, "id: 1\ndata: {\"id\":1}\n\n")
			return
		}
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"code":"denied","message":"no longer","remedy":"ask"}`)
	})
	c := &Client{Socket: socket}
	n := 0
	for _, err := range c.Events(t.Context(), EventsQuery{Follow: true}) {
		if n++; n == 1 {
			require.NoError(t, err)
			continue
		}
		requireCode(t, err, CodeDenied)
	}
	require.Equal(t, 2, n)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range c.Events(ctx, EventsQuery{Follow: true}) {
		require.ErrorIs(t, err, context.Canceled)
	}
}

func TestADaemonThatIsNotThereIsNamedWithARemedy(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	_, err := (&Client{Socket: socket}).GetVersion(t.Context())
	requireCode(t, err, CodeUnreachable)
	require.ErrorContains(t, err, socket)
	require.ErrorContains(t, err, "ftctl up")

	t.Setenv("FTD_SOCKET", socket+"-elsewhere")
	_, err = (&Client{}).GetVersion(t.Context())
	require.ErrorContains(t, err, socket+"-elsewhere")
}

func TestADaemonThatIsStartingIsWaitedFor(t *testing.T) {
	dir, err := os.MkdirTemp("", "ftd")
	require.NoError(t, err)
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "s")
	tried := make(chan struct{})
	go func() {
		// A first look finds nothing; only then the daemon appears.
		_, _ = (&Client{Socket: socket}).GetVersion(context.Background())
		close(tried)
	}()
	go func() {
		<-tried
		listen(t, socket, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"version":"v1"}`) })
	}()
	c, err := Dial(t.Context(), socket)
	require.NoError(t, err)
	defer c.Close()
	v, err := c.GetVersion(t.Context())
	require.NoError(t, err)
	require.Equal(t, "v1", v.Version)
}

func TestAnAnswerThatIsNotTheDaemonsIsShown(t *testing.T) {
	c := &Client{Socket: serve(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "a proxy speaks", http.StatusBadGateway) })}
	_, err := c.Jobs(t.Context(), JobsQuery{})
	requireCode(t, err, CodeInternal)
	require.ErrorContains(t, err, "a proxy speaks")
}

func TestADeadlineStaysADeadline(t *testing.T) {
	release := make(chan struct{})
	c := &Client{Socket: serve(t, func(http.ResponseWriter, *http.Request) { <-release })}
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := c.Jobs(ctx, JobsQuery{})
	require.True(t, errors.Is(err, context.DeadlineExceeded), "%v", err)
}

func TestJobsWithOddNamesAreAskedForAsTheyAre(t *testing.T) {
	for _, name := range []string{"a b", "a/b", "ä?x=1#y", "..", "%2f"} {
		c := &Client{Socket: serve(t, func(w http.ResponseWriter, r *http.Request) {
			mux := http.NewServeMux()
			mux.HandleFunc("GET /v1/jobs/{job}", func(w http.ResponseWriter, r *http.Request) {
				_ = json.NewEncoder(w).Encode(Job{ID: r.PathValue("job")})
			})
			mux.ServeHTTP(w, r)
		})}
		job, err := c.Job(t.Context(), name)
		if name == ".." {
			requireCode(t, err, CodeInternal) // a path cannot hold it
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, name, job.ID)
	}
}

func TestUserSocketFollowsTheSession(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", "/run/user/5")
	require.Equal(t, "/run/user/5/ftd/ftd.sock", UserSocket())
	t.Setenv("FTD_SOCKET", "")
	require.Equal(t, []string{SystemSocket, UserSocket()}, Sockets())
	t.Setenv("XDG_RUNTIME_DIR", "")
	require.Equal(t, fmt.Sprintf("/tmp/ftd-%d/ftd.sock", os.Getuid()), UserSocket())
	// A service of the user's that a shell by su knows nothing of.
	require.Equal(t, []string{SystemSocket, UserSocket(), fmt.Sprintf("/run/user/%d/ftd/ftd.sock", os.Getuid())}, Sockets())
}

func TestFloatsThatAreNotFiniteSurviveJSON(t *testing.T) {
	for text, v := range map[string]float64{`"NaN"`: math.NaN(), `"Infinity"`: math.Inf(1), `"-Infinity"`: math.Inf(-1), "1e-05": 1e-5, "0": 0} {
		data, err := json.Marshal(Float(v))
		require.NoError(t, err)
		require.Equal(t, text, string(data))
		var back Float
		require.NoError(t, json.Unmarshal(data, &back))
		require.Equal(t, math.Float64bits(v), math.Float64bits(float64(back)))
	}
	var f Float
	require.Error(t, json.Unmarshal([]byte(`"much"`), &f))
}
