package daemon

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"ftd/api"
	"ftd/daemon/settings"
)

// unserved waits until the daemon says why there are no metrics.
func (h *house) unserved() *api.Error {
	h.t.Helper()
	var why *api.Error
	require.Eventually(h.t, func() bool {
		all, err := h.Settings(h.t.Context())
		require.NoError(h.t, err)
		why = all.Metrics
		return why != nil
	}, waitLong, waitTick)
	require.NotEmpty(h.t, why.Remedy)
	return why
}

func (h *house) scraped(address string) {
	h.t.Helper()
	require.Eventually(h.t, func() bool {
		resp, err := http.Get("http://" + address + "/metrics")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}, waitLong, waitTick)
	all, err := h.Settings(h.t.Context())
	require.NoError(h.t, err)
	require.Nil(h.t, all.Metrics)
}

// The file that protects the metrics breaks while the daemon is away. Trainings
// are supervised all the same, nobody gets metrics without their protection, and
// they come back with the file.
func TestNoTrainingDependsOnTheFileThatProtectsTheMetrics(t *testing.T) {
	t.Parallel()
	config := filepath.Join(t.TempDir(), "web.yml")
	good := []byte("http_server_config: {http2: false}\n")
	require.NoError(t, os.WriteFile(config, good, 0o600))
	address := freeAddress(t)
	h := newHouse(t, "--metrics-address", address, "--metrics-web-config", config)
	h.scraped(address)
	job := h.train("--steps", "100", "--step-ms", "20")
	h.until(job.ID, hasPoints)
	h.end(syscall.SIGKILL)
	require.NoError(t, os.WriteFile(config, []byte("basic_auth_users: {prometheus: secret"), 0o600))
	h.start()
	require.Contains(t, h.unserved().Message, "metrics_web_config")
	_, err := net.Dial("tcp", address)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	log, err := os.ReadFile(h.log.Name())
	require.NoError(t, err)
	require.Contains(t, string(log), "NO METRICS are served")
	require.Equal(t, api.StateSucceeded, h.wait(job.ID).State)
	require.Len(t, h.points(job.ID), 100)

	before := h.version()
	require.NoError(t, os.WriteFile(config, good, 0o600))
	h.scraped(address)
	require.NoError(t, h.Restart(t.Context()))
	h.restarted(before)
	h.scraped(address)
}

func TestMetricsWaitForTheirAddress(t *testing.T) {
	t.Parallel()
	other, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := other.Addr().String()
	h := newHouse(t, "--metrics-address", address)
	require.Contains(t, h.unserved().Message, "cannot be served on "+address)
	before := h.version()
	require.NoError(t, h.Restart(t.Context()), "there is nothing to hand over")
	h.restarted(before)
	h.unserved()
	require.NoError(t, other.Close())
	h.scraped(address)
}

// A server that ends by itself, as of a file that breaks in the moment between
// the look at it and its use, takes nothing with it.
func TestMetricsThatEndComeBack(t *testing.T) {
	t.Parallel()
	m := newScraped(&settings.Settings{MetricsAddress: freeAddress(t)}, http.NotFoundHandler(), newNotifier(zerolog.Nop()), zerolog.Nop())
	m.open(t.Context(), nil)
	require.NoError(t, m.listener.Close())
	m.lost(<-m.endings())
	require.Contains(t, m.failure().Message, "not served on "+m.address+" any more")
	m.after = time.Time{}
	m.again(t.Context())
	require.Nil(t, m.failure())
	resp, err := http.Get("http://" + m.address + "/")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.NoError(t, m.shutdown(t.Context()))
}
