package metrics

import (
	"net/http"

	"github.com/prometheus/exporter-toolkit/web"
)

// Mux serves the metrics of a source at /metrics, whether the daemon lives at
// /-/healthy (and /healthz), whether it takes jobs at /-/ready, and at / a page
// that says so. It is the same on the metrics address and on the socket.
func Mux(s Source) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", handler(registry(s)))
	mux.HandleFunc("GET /-/healthy", healthy)
	mux.HandleFunc("GET /healthz", healthy)
	mux.HandleFunc("GET /-/ready", func(w http.ResponseWriter, _ *http.Request) {
		if !s.Ready() {
			http.Error(w, "the daemon is starting or ending", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ready\n"))
	})
	mux.Handle("GET /{$}", landing(s.Version().Version))
	return mux
}

func healthy(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) }

func landing(version string) http.Handler {
	page, err := web.NewLandingPage(web.LandingConfig{
		Name:        "ftd",
		Description: "Fine-tuning jobs and their trainings",
		Version:     version,
		Profiling:   "false",
		Links: []web.LandingLinks{
			{Address: "/metrics", Text: "Metrics"},
			{Address: "/-/healthy", Text: "Healthy", Description: "the daemon lives"},
			{Address: "/-/ready", Text: "Ready", Description: "it takes jobs"},
		},
	})
	if err != nil {
		panic(err) // its template is part of the program
	}
	return page
}
