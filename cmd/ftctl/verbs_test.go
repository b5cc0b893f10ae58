package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// decode reads JSON that ftctl printed.
func decode[T any](t *testing.T, out string) T {
	t.Helper()
	var v T
	require.NoError(t, json.Unmarshal([]byte(out), &v), out)
	return v
}

// ok runs ftctl and wants it to succeed without talk.
func ok(t *testing.T, args ...string) string {
	t.Helper()
	out, talk, status := run(t, args...)
	require.Zero(t, status, talk)
	require.Empty(t, talk)
	return out
}

func TestPsListsJobs(t *testing.T) {
	h := newHouse(t)
	require.Equal(t, "[]\n", ok(t, "ps", "-o", "json"))
	require.Empty(t, ok(t, "ps", "-q"))
	ended, queued := h.submit("true"), h.submit("true")
	h.setJob(ended, api.StateStopped, nil)
	require.Equal(t, queued+"\n", ok(t, "ps", "-q"))
	require.Equal(t, queued+"\n"+ended+"\n", ok(t, "ps", "-aq"))
	require.Equal(t, "true\ntrue\n", ok(t, "ps", "--all", "-o", "name"))
	table := ok(t, "ps", "-a")
	require.Regexp(t, `^JOB +NAME +STATE +PHASE`, table)
	require.Contains(t, table, "stopped")
	jobs := decode[[]api.Job](t, ok(t, "ps", "-a", "-o", "json"))
	require.Len(t, jobs, 2)
	require.Equal(t, api.StateQueued, jobs[0].State)
	require.Contains(t, ok(t, "ps", "-o", "wide"), queued)
}

func TestShowTakesABeginningOrAName(t *testing.T) {
	h := newHouse(t)
	id := h.submit("true")
	for _, ref := range []string{id, id[:24], "true"} {
		require.Equal(t, id, decode[api.Job](t, ok(t, "show", ref, "-o", "json")).ID)
	}
	require.Contains(t, ok(t, "show", id), "queued")
	_, talk, status := run(t, "show", "nope", "-o", "json")
	require.Equal(t, exitNotFound, status)
	require.Equal(t, api.CodeNotFound, decode[api.Error](t, talk).Code)
}

func TestLogsAreFollowedToTheEnd(t *testing.T) {
	h := newHouse(t)
	id := h.submit("true")
	h.begin(id)
	path := filepath.Join(h.dir, "runs", "train.1", "rank_0.log")
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte("one\ntwo <b>\n"), 0o600))
	require.Equal(t, "one\ntwo <b>\n", ok(t, "logs", id))
	require.Equal(t, "two <b>\n", ok(t, "logs", id, "--tail", "1", "--step", "train", "--rank", "0"))
	require.Equal(t, `{"line":"one"}`+"\n"+`{"line":"two <b>"}`+"\n", ok(t, "logs", id, "-o", "json"))

	result := background(t, "logs", "-f", id)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString("three\nno end of line")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	h.end(id, api.StateSucceeded, nil)
	out, _, status := result()
	require.Zero(t, status)
	require.Equal(t, "one\ntwo <b>\nthree\nno end of line", strings.TrimSuffix(out, "\n"))

	_, _, status = run(t, "logs", id, "--step", "nowhere")
	require.Equal(t, exitNotFound, status)
}

func TestLinesOfSeveralFilesSayWhichInJSON(t *testing.T) {
	var out strings.Builder
	require.NoError(t, linesToJSON(&out, strings.NewReader("==> a.1/step.log <==\nx\n==> train.1/rank_0.log <==\ny\n==> z")))
	require.Equal(t, `{"file":"a.1/step.log","line":"x"}
{"file":"train.1/rank_0.log","line":"y"}
{"file":"train.1/rank_0.log","line":"==> z"}
`, out.String())
}

func TestLossHasEveryStepOnce(t *testing.T) {
	h := newHouse(t)
	id := h.submit("true")
	require.Equal(t, "[]\n", ok(t, "loss", id, "-o", "json"))
	_, talk, status := run(t, "loss", id, "--plot")
	require.Zero(t, status)
	require.Contains(t, talk, "ftctl logs "+id)
	h.begin(id)
	nan := api.Float(0)
	require.NoError(t, nan.UnmarshalJSON([]byte(`"NaN"`)))
	points := losses(append(falling(9), nan)...)
	h.logged(id, api.Training{Phase: api.PhaseTraining}, points[:6]...)

	result := background(t, "loss", "-f", id, "-o", "json")
	h.logged(id, api.Training{Phase: api.PhaseTraining}, points[6:]...)
	h.end(id, api.StateSucceeded, nil)
	out, _, status := result()
	require.Zero(t, status)
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	require.Len(t, lines, 10)
	for i, line := range lines {
		require.EqualValues(t, i+1, decode[api.Point](t, line).GlobalStep)
	}
	require.Contains(t, lines[9], `"loss":"NaN"`)

	require.Len(t, decode[[]api.Point](t, ok(t, "loss", id, "-o", "json")), 10)
	require.Equal(t, 11, strings.Count(ok(t, "loss", id), "\n"))
	require.Equal(t, 11, strings.Count(ok(t, "loss", id, "-o", "csv"), "\n"))
	require.Contains(t, ok(t, "loss", "--plot", id), "┼")
	require.Equal(t, 11, strings.Count(ok(t, "loss", "-f", id), "\n"), "of an ended job it ends too")
	_, _, status = run(t, "loss", "--plot", "-f", id)
	require.Equal(t, exitUsage, status, "a picture is followed on terminals only")
}

func TestStopWaitsForTheEnd(t *testing.T) {
	h := newHouse(t)
	first, second := h.submit("true"), h.submit("true")
	h.begin(first)
	result := background(t, "stop", first, "nope", second)
	require.Equal(t, first, <-h.stopped)
	require.Equal(t, second, <-h.stopped, "all are asked before the first is waited for")
	h.setJob(first, api.StateStopped, nil)
	h.setJob(second, api.StateStopped, nil)
	out, talk, status := result()
	require.Equal(t, exitNotFound, status)
	require.Equal(t, first+" stopped\n"+second+" stopped\n", out)
	require.Equal(t, 1, strings.Count(talk, "error:"), talk)

	third := h.submit("true")
	require.Equal(t, api.StateStopping, decode[api.Job](t, ok(t, "stop", "--no-wait", third, "-o", "json")).State)
	require.Contains(t, ok(t, "stop", first), "stopped", "it had ended already")
}

func TestRmForgetsWhatEnded(t *testing.T) {
	h := newHouse(t)
	id, other := h.submit("true"), h.submit("true")
	h.training = &api.Training{}
	_, talk, status := run(t, "rm", id)
	require.Equal(t, exitFailed, status)
	require.Contains(t, talk, "--checkpoints")
	require.Equal(t, id+"\n", ok(t, "rm", "--checkpoints", id[:26]))
	out, talk, status := run(t, "rm", "--checkpoints", "-o", "json", id, other, "nope")
	require.Equal(t, exitNotFound, status)
	require.Equal(t, []string{other}, decode[[]string](t, out))
	require.Equal(t, 2, strings.Count(talk, `{"code":"not-found"`), talk)
}

func TestCallPassesArgumentsAndPrintsTheResult(t *testing.T) {
	newHouse(t)
	out, talk, status := run(t, "call", "m", "f", `[123, "x"]`)
	require.Zero(t, status)
	require.Equal(t, "printed\n", talk)
	require.Equal(t, "[\n  123,\n  \"x\"\n]\n", out)
	result := decode[api.CallResult](t, ok(t, "call", "m", "f", `{"a": 1}`, "-o", "json"))
	require.Equal(t, map[string]any{"a": 1.0}, result.Result)
	_, talk, status = run(t, "call", "m", "fail")
	require.Equal(t, exitFailed, status)
	require.Contains(t, talk, "ValueError")
}

func TestVersionWaitsForADaemonThatIsStarting(t *testing.T) {
	h := newHouse(t)
	h.shut()
	result := background(t, "version", "--wait", "30s")
	h.open()
	out, talk, status := result()
	require.Zero(t, status, talk)
	require.Contains(t, out, "ftd     test")
}

func TestRecipesAreReadWithoutADaemon(t *testing.T) {
	require.Contains(t, ok(t, "recipe", "ls"), "tiny-llama")
	require.Contains(t, ok(t, "recipe", "ls", "-o", "name"), "tiny-llama\n")
	text := ok(t, "recipe", "show", "tiny-llama")
	require.Contains(t, text, "apiVersion: ftd/v1")
	detail := decode[recipeDetail](t, ok(t, "recipe", "show", "tiny-llama", "-o", "json"))
	require.NotEmpty(t, detail.Steps)

	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good.yaml"), filepath.Join(dir, "bad.yaml")
	require.NoError(t, os.WriteFile(good, []byte(text), 0o600))
	require.NoError(t, os.WriteFile(bad, []byte("apiVersion: ftd/v1\nname: x\nstepz: []\n"), 0o600))
	require.Contains(t, ok(t, "recipe", "validate", good), "valid, ")
	require.True(t, decode[recipeVerdict](t, ok(t, "recipe", "validate", "tiny-llama", "-o", "json")).Valid)

	out, talk, status := run(t, "recipe", "validate", good, bad, "-o", "json")
	require.Equal(t, exitFailed, status)
	require.Empty(t, talk)
	verdicts := decode[[]recipeVerdict](t, out)
	require.True(t, verdicts[0].Valid)
	require.False(t, verdicts[1].Valid)
	require.Contains(t, verdicts[1].Error.Message, "stepz")

	out, _, status = run(t, "recipe", "validate", bad)
	require.Equal(t, exitFailed, status)
	require.Contains(t, out, "stepz")
	for _, verb := range []string{"show", "validate"} {
		_, talk, status = run(t, "recipe", verb, filepath.Join(dir, "missing.yaml"))
		require.Equal(t, exitNotFound, status, talk)
		_, talk, status = run(t, "recipe", verb, "tiny-lama")
		require.Equal(t, exitNotFound, status, talk)
		require.Contains(t, talk, "tiny-llama")
	}
}

func TestCompletionKnowsJobsAndRecipes(t *testing.T) {
	h := newHouse(t)
	id := h.submit("true")
	out, _, _ := run(t, "__complete", "show", "")
	require.Contains(t, out, id)
	out, _, _ = run(t, "__complete", "run", "tiny")
	require.Contains(t, out, "tiny-llama")
	t.Setenv("FTD_SOCKET", nowhere(t))
	out, _, status := run(t, "__complete", "show", "")
	require.Zero(t, status)
	require.Equal(t, ":4\n", out, "no daemon, nothing to complete, no noise")
}
