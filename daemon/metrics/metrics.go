// Package metrics shows the daemon, its jobs and its trainings to Prometheus.
//
// A scrape reads memory and one count of the journal; it never waits for
// Python or for a training. Series of a training bear its job's id and go away
// a few minutes after the job has ended, so their number stays bounded.
package metrics

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"ftd/api"
	"ftd/daemon/engine"
)

// scrapeTimeout is how long a scrape may wait for the journal.
const scrapeTimeout = 5 * time.Second

// maxScrapes bounds how many scrapes are answered at the same time.
const maxScrapes = 8

// Source is where the numbers come from.
type Source struct {
	// Version is the daemon's, Python its interpreter's ("" without one).
	Version func() api.Version
	// Jobs counts jobs by state.
	Jobs func(ctx context.Context) (map[api.State]int, error)
	// Trainings are those at work.
	Trainings func() []engine.Training
	// Calls are what Python did.
	Calls func() Calls
}

// Calls counts calls into Python since the daemon started.
type Calls struct {
	Succeeded, Failed uint64
	Queued            int
	Busy              bool
}

// Handler serves the metrics of a source, and of this process.
func Handler(s Source) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(&collector{Source: s, now: time.Now},
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewGoCollector())
	return handler(r)
}

func handler(r *prometheus.Registry) http.Handler {
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: maxScrapes,
		Timeout:             2 * scrapeTimeout,
	})
}

// Mux is what the metrics address serves: the metrics, and whether we live.
func Mux(metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	return mux
}
