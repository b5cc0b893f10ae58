package api

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func readTime(t *testing.T, text string) *Job {
	t.Helper()
	j := new(Job)
	require.NoError(t, json.Unmarshal([]byte(text), j))
	return j
}

// A daemon that dies in the middle of a piece costs none of it and doubles none.
func TestALogGoesOnAfterTheLastWholePiece(t *testing.T) {
	var asked []string
	c := &Client{Socket: serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("resume"))
		w.Header().Set("Content-Type", LogPieces)
		switch asked[len(asked)-1] {
		case "":
			fmt.Fprint(w, "a=4 4\none\nb=9 9\ntwo\nth")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case "a=4":
			fmt.Fprint(w, "b=9 9\ntwo\nthree")
		}
	})}
	l, err := c.Logs(t.Context(), "x", LogsQuery{Follow: true})
	require.NoError(t, err)
	text, err := io.ReadAll(l)
	requireCode(t, err, CodeUnreachable)
	require.NoError(t, l.Close())
	require.True(t, l.Resumable())
	require.Equal(t, "one\n", string(text))
	next, err := c.Logs(t.Context(), "x", LogsQuery{Follow: true, Resume: l.Place()})
	require.NoError(t, err)
	text, err = io.ReadAll(next)
	require.NoError(t, err)
	require.NoError(t, next.Close())
	require.Equal(t, "two\nthree", string(text))
	require.Equal(t, []string{"", "a=4"}, asked)
}

func TestALogOfAnOlderDaemonIsText(t *testing.T) {
	c := &Client{Socket: serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "a=4 4\none\n") })}
	l, err := c.Logs(t.Context(), "x", LogsQuery{})
	require.NoError(t, err)
	text, err := io.ReadAll(l)
	require.NoError(t, err)
	require.NoError(t, l.Close())
	require.Equal(t, "a=4 4\none\n", string(text))
	require.False(t, l.Resumable())
}

func TestPiecesThatAreNoneAreRefused(t *testing.T) {
	for _, text := range []string{"one\n", "a=4 x\n", "a=4 -1\n", "a=4 99999999999\n", "a=4 99999999999999999999\n"} {
		c := &Client{Socket: serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", LogPieces)
			fmt.Fprint(w, text)
		})}
		l, err := c.Logs(t.Context(), "x", LogsQuery{})
		require.NoError(t, err)
		_, err = io.ReadAll(l)
		requireCode(t, err, CodeInternal)
		require.ErrorContains(t, err, strings.TrimSuffix(text, "\n"))
		require.NoError(t, l.Close())
	}
}
