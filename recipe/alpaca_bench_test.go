package recipe

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkAlpaca is the step mindrecord on rows as long as alpaca's. Its peer
// is the original script of the checkout that FTD_TEST_CHECKOUT names, or else
// the same library calls, row by row.
func BenchmarkAlpaca(b *testing.B) {
	env := os.Getenv("FTD_TEST_ENV")
	if env == "" {
		b.Skip("needs FTD_TEST_ENV, an environment with MindSpore and mindformers")
	}
	b.Run("ftd", func(b *testing.B) { measureRows(b, env, "ftd") })
	if checkout := os.Getenv("FTD_TEST_CHECKOUT"); checkout != "" {
		b.Run("peer", func(b *testing.B) { measureRows(b, env, "script", checkout) })
	} else {
		b.Run("peer", func(b *testing.B) { measureRows(b, env, "calls") })
	}
}

func measureRows(b *testing.B, env, how string, checkout ...string) {
	b.Helper()
	root, err := filepath.Abs("..")
	require.NoError(b, err)
	for b.Loop() {
		args := append([]string{filepath.Join(root, "recipe/py/bench/alpaca.py"), how, b.TempDir()}, checkout...)
		command := exec.Command(filepath.Join(env, "bin", "python"), args...)
		command.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1",
			"PYTHONPATH="+filepath.Join(root, "recipe/py")+":"+filepath.Join(root, "pybridge/py"))
		out, err := command.CombinedOutput()
		require.NoError(b, err, "%s", out)
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		var figure struct {
			Rows float64 `json:"rows_per_second"`
		}
		require.NoError(b, json.Unmarshal([]byte(lines[len(lines)-1]), &figure), "%s", out)
		b.ReportMetric(figure.Rows, "rows/cpu-s")
	}
}
