package visitors

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// house is a server with few places. Whoever asks for /wait is answered when
// release is closed, for /much with more than a socket holds.
type house struct {
	*testing.T
	path    string
	door    *Listener
	release chan struct{}
	waiting chan struct{}
}

func newHouse(t *testing.T, places int) *house {
	h := &house{T: t, path: filepath.Join(t.TempDir(), "s"), release: make(chan struct{}), waiting: make(chan struct{}, 100)}
	l, err := net.Listen("unix", h.path)
	require.NoError(t, err)
	h.door = Limit(l, places)
	mux := http.NewServeMux()
	mux.HandleFunc("/wait", func(http.ResponseWriter, *http.Request) {
		h.waiting <- struct{}{}
		<-h.release
	})
	mux.HandleFunc("/much", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 16<<20))
	})
	type visitor struct{}
	server := &http.Server{
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, visitor{}, c) },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer r.Context().Value(visitor{}).(*Visitor).Serving()()
			mux.ServeHTTP(w, r)
		}),
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(h.door)
	}()
	t.Cleanup(func() {
		_ = server.Close() // its listener may be closed already
		<-served
	})
	return h
}

// say connects and says something.
func (h *house) say(text string) net.Conn {
	h.Helper()
	c, err := net.Dial("unix", h.path)
	require.NoError(h, err)
	h.Cleanup(func() { c.Close() })
	_, err = io.WriteString(c, text)
	require.NoError(h, err)
	return c
}

const ask = " HTTP/1.1\r\nHost: x\r\n\r\n"

func (h *house) requireAnswer(c net.Conn) {
	h.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(h, err)
	require.NoError(h, resp.Body.Close())
}

func TestWhoeverHangsGivesItsPlaceAway(t *testing.T) {
	for name, hang := range map[string]func(h *house){
		"says nothing":          func(h *house) { h.say("") },
		"begins a request":      func(h *house) { h.say("GET /x HTT") },
		"keeps its connection":  func(h *house) { h.requireAnswer(h.say("GET /x" + ask)) },
		"does not take answers": func(h *house) { h.say("GET /much" + ask) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, 4)
			for range 20 {
				hang(h)
			}
			h.requireAnswer(h.say("GET /x" + ask))
		})
	}
}

func TestWhoeverIsServedKeepsItsPlace(t *testing.T) {
	h := newHouse(t, 4)
	served := []net.Conn{h.say("GET /wait" + ask), h.say("GET /wait" + ask)}
	<-h.waiting
	<-h.waiting
	for range 20 {
		h.say("")
	}
	h.requireAnswer(h.say("GET /x" + ask))
	close(h.release)
	for _, c := range served {
		h.requireAnswer(c)
	}
}

// pipes is a listener to whom somebody always comes.
type pipes struct{ net.Listener }

func (pipes) Close() error { return nil }

func (pipes) Accept() (net.Conn, error) {
	c, _ := net.Pipe()
	return c, nil
}

// Nobody can be let in, and nobody shown out: the door closes all the same, and
// who is at it is let in, since no other process would serve it.
func TestTheDoorOfAFullHouseCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := Limit(pipes{}, 1)
		first, err := l.Accept()
		require.NoError(t, err)
		done := first.(*Visitor).Serving()
		var second net.Conn
		in := make(chan struct{})
		go func() {
			second, _ = l.Accept()
			close(in)
		}()
		synctest.Wait() // it is at the door
		require.Nil(t, second)
		require.NoError(t, l.Close())
		<-in
		require.NotNil(t, second)
		done()
	})
}

func TestPlacesFollowWhatTheProcessMayOpen(t *testing.T) {
	require.Equal(t, 1, Places(1))
	require.Positive(t, Places(1<<20))
	require.LessOrEqual(t, Places(1<<20), 1<<20)
}
