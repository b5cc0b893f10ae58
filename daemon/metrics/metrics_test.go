package metrics

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"

	"ftd/api"
	"ftd/daemon/engine"
)

var update = flag.Bool("update", false, "rewrite testdata/scrape.txt")

// source is a daemon with two trainings: one in full, one that has logged
// nothing yet.
func source() Source {
	full, began, compiled := time.Unix(5000, 0), time.Unix(900, 0), time.Unix(990, 0)
	compiling := time.Unix(1099, 0)
	number := func(v float64) *api.Float { return api.Float(v).Ptr() }
	return Source{
		Version: func() api.Version { return api.Version{Version: "v1.2.3", Python: "3.11.7"} },
		Jobs: func(context.Context) (map[api.State]int, error) {
			return map[api.State]int{api.StateRunning: 2, api.StateFailed: 1}, nil
		},
		Queues: func() map[string]engine.Line {
			return map[string]engine.Line{"slot": {}, "cards": {Length: 2, Oldest: time.Unix(1040, 0)}}
		},
		Cards: func() map[string]int { return map[string]int{"free": 0, "held": 6, "occupied": 1, "unhealthy": 1} },
		Calls: func() Calls {
			return Calls{Succeeded: 12, Failed: 3, Queued: 1, Busy: true, Seconds: 34.5, Memory: 300 << 20, Guard: map[string]int{"handler": 3, "signal": 1, "wait": 0}}
		},
		Daemon: func() Daemon { return Daemon{Streams: 3, Journal: 4 << 20, Free: 9 << 30} },
		Trainings: func() []engine.Training {
			return []engine.Training{{
				Job: "01full", Name: "tiny-llama", Attempts: 2, Written: 2500 * time.Millisecond, TokensPerSec: 4224,
				Training: api.Training{
					Phase: api.PhaseTraining, PhaseSince: time.Unix(1000, 0), CompileBegan: &began, CompileEnded: &compiled, OverflowSteps: 4, NonFinite: 1,
					StepsTotal: 100, StepSeconds: 0.5, SamplesPerSec: 8.25, SecondsLeft: number(29.5),
					Last: &api.Point{GlobalStep: 41, Time: time.Unix(1090, 0), Loss: api.Float(math.NaN()),
						LR: number(1e-5), LossScale: number(65536), GlobalNorm: number(1.5)},
					Disk: &api.Disk{Free: 5 << 20, Saves: 4, RunsOut: &full},
				},
				Complete: 2, Newest: &api.Checkpoint{Bytes: 1 << 20, Step: 40, Seen: time.Unix(1085, 0)},
				Steps: map[float64]uint64{0.1: 0, 0.5: 30, 1: 41}, Count: 41, Seconds: 20.5,
				Alarms: map[string]uint64{"stall": 2, "spike": 1, "disk": 1},
			}, {
				Job:      "02new",
				Name:     `a "new" one`,
				Attempts: 1,
				Training: api.Training{Phase: api.PhaseCompiling, PhaseSince: time.Unix(1099, 0), CompileBegan: &compiling},
			}}
		},
	}
}

func scrape(t *testing.T, s Source) []byte {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(&collector{Source: s, now: func() time.Time { return time.Unix(1100, 0) }})
	server := httptest.NewServer(handler(r))
	defer server.Close()
	resp, err := http.Get(server.URL)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return text
}

func TestAScrapeIsAsItWas(t *testing.T) {
	text := scrape(t, source())
	if *update {
		require.NoError(t, os.WriteFile("testdata/scrape.txt", text, 0o644))
	}
	want, err := os.ReadFile("testdata/scrape.txt")
	require.NoError(t, err)
	require.Equal(t, string(want), string(text))
}

func TestNamesAndUnitsKeepTheConventions(t *testing.T) {
	problems, err := promlint.New(bytes.NewReader(scrape(t, source()))).Lint()
	require.NoError(t, err)
	require.Empty(t, problems)
}

func TestAJournalThatFailsDoesNotFailTheScrape(t *testing.T) {
	s := source()
	s.Jobs = func(context.Context) (map[api.State]int, error) { return nil, errors.New("disk gone") }
	text := string(scrape(t, s))
	require.Contains(t, text, "ftd_scrape_collector_success 0")
	require.Contains(t, text, `ftd_training_step{job_id="01full"} 41`)
	require.NotContains(t, text, "ftd_jobs{")
}

func TestTheMetricsAddressServesMetricsAndHealthAlone(t *testing.T) {
	s := source()
	ready := true
	s.Ready = func() bool { return ready }
	server := httptest.NewServer(Mux(s))
	defer server.Close()
	for path, want := range map[string]int{"/metrics": 200, "/healthz": 200, "/-/healthy": 200, "/-/ready": 200, "/": 200, "/x": 404, "/v1/jobs": 404, "/debug/pprof/": 404} {
		resp, err := http.Get(server.URL + path)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, want, resp.StatusCode, path)
	}
	ready = false
	resp, err := http.Get(server.URL + "/-/ready")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
}
