package server

import "net/http"

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
		{"GET /healthz", toRead, s.health, 0},
		{"GET /metrics", toRead, s.metrics, 0},
		{"POST /v1/call", toChange, s.call, maxCallBody},
		{"GET /v1/events", toRead, s.events, 0},
		{"GET /v1/jobs", toRead, s.listJobs, 0},
		{"POST /v1/jobs", toChange, s.submit, 0},
		{"DELETE /v1/jobs/{job}", toChange, s.removeJob, 0},
		{"GET /v1/jobs/{job}", toRead, s.showJob, 0},
		{"GET /v1/jobs/{job}/logs", toRead, s.logs, 0},
		{"GET /v1/jobs/{job}/points", toRead, s.points, 0},
		{"POST /v1/jobs/{job}/stop", toChange, s.stopJob, 0},
		{"GET /v1/openapi.json", toRead, s.openapi, 0},
		{"GET /v1/recipes", toRead, s.recipes, 0},
		{"GET /v1/version", toRead, s.version, 0},
	}
}
