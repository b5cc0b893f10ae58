package api

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVersionsAreOlderOrNewer(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"v1.2", "v1.3", -1}, {"v1.10", "v1.9", 1}, {"v1.2", "v1.2.0", 0}, {"v1.2-4-gabc", "v1.2", 1}, {"1.2-4-gabc-dirty", "1.2-12-gdef", -1},
		{"v2.0", "v1.99.99", 1}, {"v1.2", "90d981d", 0}, {"devel", "test", 0}, {"", "v1.0", 0},
	} {
		require.Equal(t, c.want, Older(c.a, c.b), "%s and %s", c.a, c.b)
		require.Equal(t, -c.want, Older(c.b, c.a), "%s and %s", c.b, c.a)
	}
}

// A daemon that lacks what is asked for says so itself; that it is the older
// one, and what helps, only the client knows.
func TestARouteThatIsNotThereIsExplainedByTheVersions(t *testing.T) {
	for daemon, want := range map[string]string{
		"v1.2": "this ftd is older: ftd is v1.2 and ftctl is v1.3; it has no GET /v1/cards; if the newer one is installed already, make it the one that runs: ftctl restart",
		"v1.4": "this ftctl is older: ftd is v1.4 and ftctl is v1.3; there is no GET /v1/cards any more; use the ftctl that was installed with that ftd",
		"abc":  "ftd is abc and ftctl is v1.3; it has no GET /v1/cards; use an ftctl and an ftd of the same version",
		"v1.3": "the daemon has no /v1/cards",
	} {
		c := &Client{Version: "v1.3", Socket: serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(HeaderVersion, daemon)
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"code":"unknown-route","message":"the daemon has no /v1/cards"}`))
		})}
		_, err := c.Cards(t.Context())
		requireCode(t, err, CodeNoRoute)
		require.ErrorContains(t, err, want)
	}
}

// A field or parameter that the daemon does not know is refused by it, since it
// could not do what was asked for.
func TestAFieldThatIsNotKnownIsExplainedByTheVersions(t *testing.T) {
	c := &Client{Version: "v1.3", Socket: serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(HeaderVersion, "v1.2")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"code":"bad-request","message":"unknown field \"later\""}`))
	})}
	_, err := c.Submit(t.Context(), Submit{Recipe: "x"})
	requireCode(t, err, CodeBadRequest)
	require.ErrorContains(t, err, "this ftd is older: ftd is v1.2 and ftctl is v1.3")
	require.ErrorContains(t, err, "ftctl restart")
}

func TestAJobInAStateOfANewerDaemon(t *testing.T) {
	ended := readTime(t, `{"state":"archived","ended":"2026-01-01T00:00:00Z"}`)
	require.True(t, ended.Over())
	require.False(t, readTime(t, `{"state":"thinking"}`).Over())
	require.False(t, readTime(t, `{"state":"running"}`).Over())
	require.True(t, readTime(t, `{"state":"failed"}`).Over())
}
