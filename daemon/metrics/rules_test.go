package metrics

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
)

const shipped = "../../scripts/prometheus"

// known are the names of all series that a scrape can show: those of the
// golden one and what the client library adds about the process.
func known(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("testdata/scrape.txt")
	require.NoError(t, err)
	names := map[string]bool{"up": true, "process_resident_memory_bytes": true}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			names[line[:strings.IndexAny(line, "{ ")]] = true
		}
	}
	return names
}

var (
	quoted = regexp.MustCompile(`"[^"]*"`)
	name   = regexp.MustCompile(`\b(ftd|process|go|up)(_[a-z0-9_]+)?\b`)
)

// requireKnown finds names in a query; what stands in quotes is a label's value.
func requireKnown(t *testing.T, names map[string]bool, query string) {
	t.Helper()
	found := name.FindAllString(quoted.ReplaceAllString(query, ""), -1)
	require.NotEmpty(t, found, query)
	for _, n := range found {
		require.True(t, names[n], "%s in %s", n, query)
	}
}

func TestEveryQueryOfTheDashboardNamesAMetricThatExists(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(shipped, "dashboard.json"))
	require.NoError(t, err)
	var dashboard struct {
		Panels     []struct{ Targets []struct{ Expr string } }
		Templating struct {
			List []struct{ Name, Definition string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &dashboard))
	names, shown := known(t), map[string]bool{}
	for _, p := range dashboard.Panels {
		require.NotEmpty(t, p.Targets)
		for _, target := range p.Targets {
			requireKnown(t, names, target.Expr)
			for _, n := range name.FindAllString(target.Expr, -1) {
				shown[n] = true
			}
		}
	}
	for _, v := range dashboard.Templating.List {
		if v.Definition != "" {
			requireKnown(t, names, v.Definition)
		}
	}
	// And every training's metric is on it, under its own name or in a histogram.
	for n := range names {
		if strings.HasPrefix(n, "ftd_training_") && !slices.Contains(notDrawn, n) {
			require.True(t, shown[n], "%s is nowhere on the dashboard", n)
		}
	}
}

// notDrawn are metrics that a panel shows in another form, or that name things.
var notDrawn = []string{
	"ftd_training_info", "ftd_training_step_seconds_sum", "ftd_training_last_step_timestamp_seconds",
	"ftd_training_last_checkpoint_timestamp_seconds", "ftd_training_last_checkpoint_bytes", "ftd_training_last_checkpoint_step",
}

func TestEveryAlertNamesAMetricThatExists(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(shipped, "ftd.rules.yml"))
	require.NoError(t, err)
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations map[string]string
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &rules))
	names := known(t)
	for _, r := range rules.Groups[0].Rules {
		requireKnown(t, names, r.Expr)
		require.NotEmpty(t, r.Annotations["summary"], r.Alert)
		require.NotEmpty(t, r.Annotations["description"], r.Alert)
	}
}

// promtool is Prometheus' own judge; scripts/prometheus.sh brings it.
func promtool(t *testing.T, in []byte, args ...string) {
	t.Helper()
	program := filepath.Join(os.Getenv("FTD_TEST_PROMETHEUS"), "promtool")
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir, cmd.Stdin = shipped, bytes.NewReader(in)
	text, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", text)
	if args[0] == "check" && args[1] == "metrics" {
		require.Empty(t, string(text))
	}
}

func TestPromtoolAgrees(t *testing.T) {
	if os.Getenv("FTD_TEST_PROMETHEUS") == "" {
		t.Skip("needs promtool: scripts/prometheus.sh")
	}
	promtool(t, scrape(t, source()), "check", "metrics")
	promtool(t, nil, "check", "config", "prometheus.yml")
	promtool(t, nil, "check", "rules", "ftd.rules.yml")
	promtool(t, nil, "test", "rules", "ftd.rules.test.yml")
}

func TestTheDocumentListsEveryMetric(t *testing.T) {
	page, err := os.ReadFile("../../docs/metrics.md")
	require.NoError(t, err)
	text, err := os.ReadFile("testdata/scrape.txt")
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "# HELP "); ok {
			name, help, _ := strings.Cut(strings.TrimSpace(rest), " ")
			require.Contains(t, string(page), "| `"+name+"` |")
			require.Contains(t, string(page), help)
		}
	}
	rules, err := os.ReadFile(filepath.Join(shipped, "ftd.rules.yml"))
	require.NoError(t, err)
	for _, m := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(string(rules), -1) {
		require.Contains(t, string(page), "| `"+m[1]+"` |")
	}
}
