package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// completed is what a shell is told for a line.
func completed(t *testing.T, words ...string) []string {
	t.Helper()
	out, _, status := run(t, append([]string{"__complete"}, words...)...)
	require.Zero(t, status)
	var list []string
	for line := range strings.Lines(out) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if !strings.HasPrefix(word, ":") {
			list = append(list, word)
		}
	}
	return list
}

func TestCompletion(t *testing.T) {
	h := newHouse(t)
	id := h.submit("true")
	h.ended(id)
	for _, verb := range []string{"show", "logs", "loss", "wait", "rm", "watch"} {
		require.Equal(t, []string{"true", id}, completed(t, verb, ""), verb)
		require.Equal(t, []string{id}, completed(t, verb, id[:8]), verb)
	}
	require.Empty(t, completed(t, "show", "true", ""), "show takes one")
	require.Empty(t, completed(t, "stop", ""), "it has ended")
	require.Empty(t, completed(t, "resume", ""), "it has succeeded")
	require.Empty(t, completed(t, "rm", "true", ""), "it is named already")
	require.Empty(t, completed(t, "rm", id, ""), "it is named already")
	failed := h.submit("false")
	h.ended(failed)
	require.Equal(t, []string{"false", failed}, completed(t, "resume", ""))
	require.Equal(t, []string{"true", id}, completed(t, "rm", failed, ""))
	ok(t, "rm", failed)
	require.Equal(t, []string{"true", id}, completed(t, "loss", "--compare", "x", ""))
	require.Equal(t, []string{"train"}, completed(t, "logs", "true", "--step", ""))
	require.Equal(t, []string{"train.1"}, completed(t, "logs", id, "--attempt", "tr"))
	require.Contains(t, completed(t, "run", "tiny"), "tiny-llama")
	require.Equal(t, []string{"log_level"}, completed(t, "config", "set", "lo"))
	require.NotContains(t, completed(t, "config", "set", ""), "socket", "it cannot be set while the daemon runs")
	require.Equal(t, []string{"trace", "debug", "info", "warn", "error"}, completed(t, "config", "set", "log_level", ""))
	require.Empty(t, completed(t, "config", "set", "slots", ""))
	require.Contains(t, completed(t, "run", "tiny-llama", "--from", ""), "train")
	own := filepath.Join(t.TempDir(), "own.yaml")
	require.NoError(t, os.WriteFile(own, []byte("apiVersion: ftd/v1\nname: own\nsteps: [{id: only, uses: train, with: {command: [x]}}]\n"), 0o600))
	require.Equal(t, []string{"only"}, completed(t, "run", own, "--from", "o"))
	require.Equal(t, []string{"lr"}, completed(t, "loss", "--series", "lr"))
	require.Equal(t, []string{"text", "json", "wide", "name"}, completed(t, "ps", "-o", ""))
}

func TestCompletionWithoutADaemonIsSilent(t *testing.T) {
	t.Setenv("FTD_SOCKET", nowhere(t))
	require.Empty(t, completed(t, "show", ""))
	require.Empty(t, completed(t, "logs", "x", "--step", ""))
}
