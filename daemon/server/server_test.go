package server

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

func TestRoutesAreSortedAndEachNamesAPermission(t *testing.T) {
	routes := New(Config{}).routes()
	require.True(t, sort.SliceIsSorted(routes, func(a, b int) bool {
		methodA, pathA, _ := strings.Cut(routes[a].pattern, " ")
		methodB, pathB, _ := strings.Cut(routes[b].pattern, " ")
		if pathA != pathB {
			return pathA < pathB
		}
		return methodA < methodB
	}))
	for _, r := range routes {
		require.NotZero(t, r.need, r.pattern)
		if !strings.HasPrefix(r.pattern, "GET ") {
			require.Equal(t, toChange, r.need, r.pattern)
		}
	}
}

func TestEveryAnswerSaysWhoAnswersAndKeepsBrowsersAway(t *testing.T) {
	h := newHouse(t, owner())
	status, header, body := h.request("GET", "/v1/version", "")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "v1.2.3", header.Get(api.HeaderVersion))
	require.Equal(t, "1", header.Get(api.HeaderAPI))
	require.Len(t, header.Get(api.HeaderRequestID), 16)
	require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"))
	var v api.Version
	require.NoError(t, json.Unmarshal([]byte(body), &v))
	require.Equal(t, "v1.2.3", v.Version)
}

func TestMistakesGetTheirStatusAndAnErrorThatHelps(t *testing.T) {
	h := newHouse(t, owner())
	for _, c := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
		code, text               string
	}{
		{"no such path", "GET", "/v1/nothing", "", nil, 404, api.CodeNoRoute, "/v1/nothing"},
		{"no such method", "PUT", "/v1/jobs", "", nil, 405, codeMethod, "GET, HEAD, POST"},
		{"no such job", "GET", "/v1/jobs/xyz", "", nil, 404, api.CodeNotFound, `\"xyz\"`},
		{"origin", "GET", "/v1/jobs", "", []string{"Origin", "http://example.org"}, 403, api.CodeDenied, "web pages"},
		{"referer", "GET", "/v1/jobs", "", []string{"Referer", "http://example.org"}, 403, api.CodeDenied, "web pages"},
		{"sec-fetch", "GET", "/v1/jobs", "", []string{"Sec-Fetch-Site", "cross-site"}, 403, api.CodeDenied, "web pages"},
		{"host", "GET", "/v1/jobs", "", []string{"Host", "evil.example.org"}, 403, api.CodeDenied, "evil.example.org"},
		{"not JSON", "POST", "/v1/jobs", "{", nil, 400, api.CodeBadRequest, "not the JSON"},
		{"two values", "POST", "/v1/jobs", "{} {}", nil, 400, api.CodeBadRequest, "more than one"},
		{"unknown field", "POST", "/v1/jobs", `{"recipes":"x"}`, nil, 400, api.CodeBadRequest, "recipes"},
		{"nothing to do", "POST", "/v1/jobs", `{}`, nil, 400, api.CodeBadRequest, "exactly one of"},
		{"unknown recipe", "POST", "/v1/jobs", `{"recipe":"tiny-lama"}`, nil, 404, api.CodeNotFound, "tiny-llama"},
		{"relative dir", "POST", "/v1/jobs", `{"command":["true"],"dir":"x"}`, nil, 400, api.CodeBadRequest, "absolute"},
		{"missing dir", "POST", "/v1/jobs", `{"command":["true"],"dir":"/no/such/dir"}`, nil, 400, api.CodeBadRequest, "/no/such/dir"},
		{"a broken recipe", "POST", "/v1/jobs", `{"text":"apiVersion: ftd/v1\nstep: []\n"}`, nil, 400, api.CodeRecipeInvalid, "step"},
		{"too much", "POST", "/v1/jobs", `{"text":"` + strings.Repeat("x", maxBody) + `"}`, nil, 413, api.CodeTooLarge, "4 MiB"},
		{"bad number", "GET", "/v1/jobs?limit=many", "", nil, 400, api.CodeBadRequest, "limit=many"},
		{"bad flag", "GET", "/v1/jobs?active=perhaps", "", nil, 400, api.CodeBadRequest, "active=perhaps"},
		{"bad parameter", "GET", "/v1/jobs?colour=red", "", nil, 400, api.CodeBadRequest, "active, limit, before"},
		{"bad call", "POST", "/v1/call", `{"module":"os"}`, nil, 400, api.CodeBadRequest, "function is missing"},
		{"empty call", "POST", "/v1/call", `{"module":"os","function":""}`, nil, 400, api.CodeBadRequest, "module and function"},
		{"the daemon's own fault", "POST", "/v1/call", `{"module":"os","function":"getcwd"}`, nil, 500, api.CodeInternal, "there is no Python here"},
		{"a panic", "POST", "/v1/call", `{"module":"panics","function":"x"}`, nil, 500, api.CodeInternal, "made a mistake"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, _, body := h.request(c.method, c.path, c.body, c.header...)
			require.Equal(t, c.status, status, body)
			var e api.Error
			require.NoError(t, json.Unmarshal([]byte(body), &e), body)
			require.Equal(t, c.code, e.Code)
			require.NotEmpty(t, e.Remedy)
			require.Contains(t, body, c.text)
		})
	}
	_, err := h.GetVersion(t.Context())
	require.NoError(t, err, "it still answers")
}

func TestAClientThatSendsNothingOrTooMuchIsCutOff(t *testing.T) {
	h := newHouse(t, owner())
	conn, err := net.Dial("unix", h.Socket)
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.Write([]byte("GET /v1/version HTTP/1.1\r\nHost: ftd\r\nX-Long: " + strings.Repeat("x", maxHeader+8192) + "\r\n\r\n"))
	if err == nil {
		answer := make([]byte, 64)
		n, _ := conn.Read(answer)
		require.Contains(t, string(answer[:n]), "431")
	}
	_, err = h.GetVersion(t.Context())
	require.NoError(t, err)
}

func TestJobsPointsAndMetricsAreRead(t *testing.T) {
	h := newHouse(t, owner())
	for _, id := range []string{"01a", "01b", "01c"} {
		h.job(id)
	}
	jobs, err := h.Jobs(t.Context(), api.JobsQuery{Limit: 2})
	require.NoError(t, err)
	require.Equal(t, []string{"01c", "01b"}, []string{jobs[0].ID, jobs[1].ID})
	jobs, err = h.Jobs(t.Context(), api.JobsQuery{Before: jobs[1].ID})
	require.NoError(t, err)
	require.Len(t, jobs, 1)
	_, err = h.Job(t.Context(), "01")
	requireCode(t, err, api.CodeConflict)
	job, err := h.Job(t.Context(), "a-job")
	require.NoError(t, err)
	require.Equal(t, "01c", job.ID, "the newest of that name")

	require.NoError(t, h.journal.AddCheckpoint(t.Context(), "01a", "train", "train.1", api.Checkpoint{Path: "/c", Complete: true}))
	recipes, err := h.Recipes(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, recipes)
	metrics, err := h.Metrics(t.Context())
	require.NoError(t, err)
	require.NoError(t, metrics.Close())
	status, _, body := h.request("GET", "/healthz", "")
	require.Equal(t, 200, status)
	require.Equal(t, "ok\n", body)
}

func TestTheSocketIsGoneAfterShutdown(t *testing.T) {
	h := newHouse(t, owner())
	_, err := h.GetVersion(t.Context())
	require.NoError(t, err)
	require.NoError(t, h.server.Shutdown(t.Context()))
	_, err = os.Lstat(h.Socket)
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = (&api.Client{Socket: h.Socket}).GetVersion(t.Context())
	requireCode(t, err, api.CodeUnreachable)
}
