package cmd_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
	"ftd/launcher"
)

// What ftctl env explain says is what a training gets, to the last byte: it is
// compared with what the kernel says of one.
func TestEnvExplainTellsTheTruth(t *testing.T) {
	t.Setenv("HF_TOKEN", "hf_secret")
	t.Setenv("PYTHONHOME", "/elsewhere")
	t.Setenv("ASCEND_GLOBAL_LOG_LEVEL", "3")
	h := newHouse(t)
	h.start()
	until := filepath.Join(h.dir, "enough")
	submitted := h.ctl("train", "--detach", "-o", "json", "--dir", h.dir, "-e", "MINE=a=b c", "--",
		"sh", "-c", fmt.Sprintf("until [ -e %q ]; do sleep 0.05; done", until))
	require.Zero(t, submitted.code, submitted.stderr)
	id := decode[api.Job](t, submitted).ID
	eventually(t, "the training", func() bool {
		steps := h.job(id).Steps
		return len(steps) > 0 && len(steps[0].Attempts) > 0 && steps[0].Attempts[0].PID != 0
	})
	attempt := h.job(id).Steps[0].Attempts[0]
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", attempt.PID))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(until, nil, 0o600))
	run, err := launcher.Open(attempt.Dir)
	require.NoError(t, err)

	out := h.ctl("env", "explain", "-e", "MINE=a=b c", "-o", "json")
	require.Zero(t, out.code, out.stderr)
	var explained struct {
		Variables []struct{ Name, Value, Why string }
		LeftOut   []string `json:"left_out"`
	}
	require.NoError(t, json.Unmarshal([]byte(out.stdout), &explained))
	libraries, err := filepath.Glob(filepath.Join(h.state(), "lib", "*"))
	require.NoError(t, err)
	require.Len(t, libraries, 1)
	placeholders := strings.NewReplacer("ATTEMPT", attempt.Dir, "LIBRARY", libraries[0])
	want := map[string]string{}
	for _, v := range explained.Variables {
		require.NotEmpty(t, v.Why, v.Name)
		want[v.Name] = placeholders.Replace(v.Value)
	}
	// What no training has in common with another one.
	want["FTD_RUN_ID"], want["FTD_RUN_TOKEN"] = id+"/"+attempt.ID, run.Spec().Token

	got := map[string]string{}
	for entry := range bytes.SplitSeq(bytes.TrimSuffix(environ, []byte{0}), []byte{0}) {
		name, value, _ := strings.Cut(string(entry), "=")
		got[name] = value
	}
	require.Equal(t, "hf_secret", got["HF_TOKEN"])
	require.NotEqual(t, "hf_secret", want["HF_TOKEN"], "it is masked")
	got["HF_TOKEN"] = want["HF_TOKEN"]
	require.Equal(t, want, got)
	require.Contains(t, explained.LeftOut, "PYTHONHOME")
}
