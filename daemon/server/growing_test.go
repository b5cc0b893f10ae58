package server

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A log that was emptied while its writer went on at the old place: the hole in
// it is neither sent nor looked through.
func TestTheHoleInALogIsNotSent(t *testing.T) {
	h := newHouse(t, owner())
	path := filepath.Join(h.job("01a"), "train.1", "rank_0.log")
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	for at, text := range map[int64]string{0: "one\n", 1 << 40: "two\nthree\n"} {
		if _, err := f.WriteAt([]byte(text), at); err != nil {
			t.Skipf("the filesystem has no such files: %v", err)
		}
	}
	for query, want := range map[string]string{"&tail=1": "three\n", "&tail=5": "two\nthree\n"} {
		status, _, body := h.request(http.MethodGet, "/v1/jobs/01a/logs?step=train"+query, "")
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, want, trimNUL(body), query)
	}
	status, _, body := h.request(http.MethodGet, "/v1/jobs/01a/logs?step=train", "")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "one\ntwo\nthree\n", trimNUL(body))
	require.Less(t, len(body), 1<<20, "the blocks around the hole may be sent")
}

// trimNUL leaves the NUL bytes out.
func trimNUL(text string) string {
	var out []byte
	for _, b := range []byte(text) {
		if b != 0 {
			out = append(out, b)
		}
	}
	return string(out)
}
