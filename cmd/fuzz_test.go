package cmd_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// loopback serves the daemon's socket on a TCP port of this machine. A stream
// that would go on for ever ends with what is there.
func (h *house) loopback() string {
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: "ftd"})
			query := r.Out.URL.Query()
			if on, _ := strconv.ParseBool(query.Get("follow")); on {
				query.Del("follow")
				r.Out.URL.RawQuery = query.Encode()
			}
		},
		// A request is one write: the daemon may answer, and hang up, before it has
		// read all of what it refuses, and a second write would end the reading of
		// that answer.
		Transport: &http.Transport{DisableKeepAlives: true, WriteBufferSize: 1 << 20, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", h.socket())
		}},
		FlushInterval: -1,
	}
	server := httptest.NewServer(proxy)
	h.t.Cleanup(server.Close)
	return server.URL
}

// Schemathesis makes requests up from the daemon's OpenAPI document: what it
// allows, what lies at its limits, what it forbids. scripts/fuzz.sh installs it.
func TestSchemathesisFindsNoMistakeOfTheAPI(t *testing.T) {
	program := os.Getenv("FTD_TEST_SCHEMATHESIS")
	if program == "" {
		t.Skip("needs schemathesis: scripts/fuzz.sh")
	}
	h := newHouse(t)
	h.start()
	require.Zero(t, h.ctl("train", "--name", "a-job", "--", "true").code)
	base := h.loopback()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "run", base+"/v1/openapi.json", "--url", base,
		"--phases", "examples,coverage,fuzzing", "--seed", "1", "--max-time", "100", "--max-examples", "100",
		"--request-timeout", "20", "--continue-on-failure", "--no-color", "--warnings", "off",
		"--suppress-health-check", "all", "--generation-database", "none",
		"--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"+
			"response_schema_conformance,negative_data_rejection,unsupported_method,allow_header_conformance")
	cmd.Dir = t.TempDir()
	text, err := cmd.CombinedOutput()
	t.Logf("%s", text)
	require.NoError(t, err)
	require.Zero(t, h.ctl("version").code, "the daemon still answers")
}
