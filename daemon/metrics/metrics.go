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
	// Ready says whether jobs are taken.
	Ready func() bool
	// Version is the daemon's, Python its interpreter's ("" without one).
	Version func() api.Version
	// Jobs counts jobs by state.
	Jobs func(ctx context.Context) (map[api.State]int, error)
	// Trainings are those at work.
	Trainings func() []engine.Training
	// Queues are the lines of jobs by what they wait for; Cards counts the
	// accelerator cards by state, nil where none are handed out.
	Queues func() map[string]engine.Line
	Cards  func() map[string]int
	// Calls are what Python did.
	Calls func() Calls
	// Daemon is what the daemon itself takes.
	Daemon func() Daemon
}

// Calls counts calls into Python since the daemon started.
type Calls struct {
	Succeeded, Failed uint64
	Queued            int
	Busy              bool
	// Seconds is what those that have returned took, their time in line
	// included.
	Seconds float64
	// Memory is by how much the process has grown since before Python was
	// loaded, in bytes.
	Memory int64
	// Guard counts what libraries asked for and did not get, nil without Python.
	Guard map[string]int
}

// Daemon is what the daemon takes and has.
type Daemon struct {
	// Streams are the readers of events and logs.
	Streams int
	// Journal is the size of the journal's file, Free what is left on its
	// disk; in bytes, negative if that is not known.
	Journal, Free int64
}

// registry holds the metrics of a source, and of this process.
func registry(s Source) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(&collector{Source: s, now: time.Now},
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewGoCollector())
	return r
}

func handler(r *prometheus.Registry) http.Handler {
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: maxScrapes,
		Timeout:             2 * scrapeTimeout,
	})
}
