package logparse_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/logparse"
)

var update = flag.Bool("update", false, "write the golden summaries anew; read the difference before committing it")

// samples are logs of real runs, see ../testdata/logs.
func samples(t testing.TB) []string {
	files, err := filepath.Glob("../testdata/logs/*.log")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 50)
	return files
}

func golden(path string) string {
	return filepath.Join("testdata", "golden", strings.TrimSuffix(filepath.Base(path), ".log")+".json")
}

func TestGoldenSummaries(t *testing.T) {
	for _, path := range samples(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			s, err := logparse.SummarizeFile(context.Background(), path)
			require.NoError(t, err)
			got, err := json.MarshalIndent(s, "", "  ")
			require.NoError(t, err)
			got = append(got, '\n')
			if *update {
				require.NoError(t, os.WriteFile(golden(path), got, 0o644))
			}
			want, err := os.ReadFile(golden(path))
			require.NoError(t, err)
			require.Equal(t, string(want), string(got))
		})
	}
}

// The golden files are written by the code they test. These counts are not:
// they come from the bytes of the logs.
func TestSummariesAgainstPlainCounts(t *testing.T) {
	reprinted := regexp.MustCompile(`(?m)^/\S+\.log[:-]\d+[:-].*\n`)
	for _, path := range samples(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			data = reprinted.ReplaceAll(data, nil)
			s, err := logparse.SummarizeFile(context.Background(), path)
			require.NoError(t, err)
			require.EqualValues(t, bytes.Count(data, []byte("step:[")), s.Steps, "steps")
			require.EqualValues(t, bytes.Count(data, []byte("overflow cond: True")), s.OverflowSteps, "overflow")
			require.Equal(t, bytes.Contains(data, []byte("Training Over!")), s.Completed, "completed")
			require.Equal(t, bytes.Contains(data, []byte("Model Compiling")), s.CompileStarted, "compile started")
			saves := bytes.Count(data, []byte("Finish saving ckpt"))
			if saves == 0 && strings.Contains(path, "mf08") {
				saves = bytes.Count(data, []byte("Saving ckpt"))
			}
			require.EqualValues(t, saves, s.Checkpoints(), "checkpoints")
			fails := bytes.Contains(data, []byte("Traceback (most recent call last)")) ||
				bytes.Contains(data, []byte("weights load failed")) || bytes.Contains(data, []byte("pretrained weights are unloaded")) || strings.Contains(path, "killed-scheduler")
			require.Equal(t, fails, len(s.Errors) > 0, "errors: %v", s.Errors)
		})
	}
}
