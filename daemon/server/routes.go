package server

import (
	"net/http"
	"strings"

	"ftd/api"
)

// route is one line of the API.
type route struct {
	pattern string
	need    permission
	serve   func(w http.ResponseWriter, r *http.Request) error
	body    int64 // the largest body; 0 means maxBody
}

// routes is the whole API, sorted by path. A test holds it to that and to
// naming a permission in every line.
func (s *Server) routes() []route {
	return []route{
		{"GET /-/healthy", toRead, s.metrics, 0},
		{"GET /-/ready", toRead, s.metrics, 0},
		{"GET /healthz", toRead, s.metrics, 0},
		{"GET /metrics", toRead, s.metrics, 0},
		{"POST /v1/call", toChange, s.call, maxCallBody},
		{"GET /v1/cards", toRead, s.cards, 0},
		{"GET /v1/events", toRead, s.events, 0},
		{"GET /v1/jobs", toRead, s.listJobs, 0},
		{"POST /v1/jobs", toChange, s.submit, 0},
		{"DELETE /v1/jobs/{job}", toChange, s.removeJob, 0},
		{"GET /v1/jobs/{job}", toRead, s.showJob, 0},
		{"GET /v1/jobs/{job}/logs", toRead, s.logs, 0},
		{"GET /v1/jobs/{job}/points", toRead, s.points, 0},
		{"POST /v1/jobs/{job}/resume", toChange, s.resumeJob, 0},
		{"POST /v1/jobs/{job}/stop", toChange, s.stopJob, 0},
		{"POST /v1/notify/test", toChange, s.testNotify, 0},
		{"GET /v1/openapi.json", toRead, s.openapi, 0},
		{"POST /v1/plans", toChange, s.plan, 0},
		{"GET /v1/recipes", toRead, s.recipes, 0},
		{"POST /v1/reload", toChange, s.reload, 0},
		{"POST /v1/restart", toChange, s.restart, 0},
		{"GET /v1/settings", toRead, s.settings, 0},
		{"PUT /v1/settings/{name}", toChange, s.setSetting, 0},
		{"GET /v1/version", toRead, s.version, 0},
		{"GET /{$}", toRead, s.metrics, 0},
	}
}

// everything is the pattern of what matches no route.
const everything = "/"

// unknown says whether the path or only the method is wrong.
func (s *Server) unknown(w http.ResponseWriter, r *http.Request) *api.Error {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := s.mux.Handler(other); pattern != everything {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		return api.Errorf(codeMethod, "%s is not possible on %s, only %s", r.Method, r.URL.Path, strings.Join(allowed, ", "))
	}
	return unknownPath(r)
}

func unknownPath(r *http.Request) *api.Error {
	return api.Errorf(api.CodeNoRoute, "the daemon has no %s", r.URL.Path).
		WithRemedy("if your ftctl is newer than the daemon, upgrade the daemon")
}
