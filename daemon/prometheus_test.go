package daemon

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// A real Prometheus scrapes a real training, and our alert fires.
func TestPrometheusRaisesTheAlarmOfAnOverflowStorm(t *testing.T) {
	bin := os.Getenv("FTD_TEST_PROMETHEUS")
	if bin == "" {
		t.Skip("needs Prometheus: scripts/prometheus.sh")
	}
	t.Parallel()
	address, dir := freeAddress(t), t.TempDir()
	h := newHouse(t, "--metrics-address", address)
	storm := h.train("--steps", "1000000", "--step-ms", "20", "--overflow", "1000000")

	// The rules as they are shipped, but nobody waits for minutes here.
	rules, err := os.ReadFile("../scripts/prometheus/ftd.rules.yml")
	require.NoError(t, err)
	rules = regexp.MustCompile(`for: \w+`).ReplaceAll(rules, []byte("for: 0s"))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "rules.yml"), rules, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "prometheus.yml"), fmt.Appendf(nil, `
global: {scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}
rule_files: [rules.yml]
scrape_configs: [{job_name: ftd, static_configs: [{targets: ["%s"]}]}]
`, address), 0o600))
	web := freeAddress(t)
	log, err := os.Create(filepath.Join(dir, "log"))
	require.NoError(t, err)
	defer log.Close()
	prometheus := exec.Command(filepath.Join(bin, "prometheus"), "--config.file", filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path", filepath.Join(dir, "data"), "--web.listen-address", web)
	prometheus.Stdout, prometheus.Stderr = log, log
	require.NoError(t, prometheus.Start())
	t.Cleanup(func() {
		_ = prometheus.Process.Signal(syscall.SIGTERM)
		_ = prometheus.Wait()
		if text, _ := os.ReadFile(log.Name()); t.Failed() {
			t.Logf("Prometheus said:\n%s", text)
		}
	})

	type alert struct {
		State       string
		Labels      map[string]string
		Annotations map[string]string
	}
	firing := func() map[string]alert {
		resp, err := http.Get("http://" + web + "/api/v1/alerts")
		if err != nil {
			return nil // it is starting
		}
		defer resp.Body.Close()
		var answer struct{ Data struct{ Alerts []alert } }
		if json.NewDecoder(resp.Body).Decode(&answer) != nil {
			return nil
		}
		found := map[string]alert{}
		for _, a := range answer.Data.Alerts {
			if a.State == "firing" {
				found[a.Labels["alertname"]] = a
			}
		}
		return found
	}
	require.Eventually(t, func() bool { return firing()["FtdOverflowStorm"].State != "" }, waitLong, 10*waitTick)
	a := firing()["FtdOverflowStorm"]
	require.Equal(t, storm.ID, a.Labels["job_id"])
	require.Contains(t, a.Annotations["summary"], storm.ID)
	require.NotContains(t, firing(), "FtdDown")
	require.NotContains(t, firing(), "FtdLossNotFinite")
}
