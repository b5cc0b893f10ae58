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
	ended := h.submit("true")
	h.ended(ended)
	active := h.submit("sleep", "1000")
	require.Equal(t, active+"\n", ok(t, "ps", "-q"))
	require.Equal(t, active+"\n"+ended+"\n", ok(t, "ps", "-aq"))
	require.Equal(t, active+"\n", ok(t, "ps", "-q", "-n", "1"))
	require.Equal(t, "sleep\ntrue\n", ok(t, "ps", "--all", "-o", "name"))
	table := ok(t, "ps", "-a")
	require.Regexp(t, `^JOB +NAME +STATE +PHASE`, table)
	require.Contains(t, table, "succeeded")
	jobs := decode[[]api.Job](t, ok(t, "ps", "-a", "-o", "json"))
	require.Len(t, jobs, 2)
	require.Equal(t, api.StateSucceeded, jobs[1].State)
	require.Contains(t, ok(t, "ps", "-o", "wide"), active)
}

func TestUpSaysInJSONWhichDaemonAnswers(t *testing.T) {
	newHouse(t)
	out, talk, status := run(t, "up", "-o", "json")
	require.Zero(t, status, talk)
	require.Equal(t, api.APIVersion, decode[api.Version](t, out).API)
}

func TestShowTakesABeginningOrAName(t *testing.T) {
	h := newHouse(t)
	id := h.submit("true")
	h.ended(id)
	for _, ref := range []string{id, id[:24], strings.ToUpper(id), "true"} {
		require.Equal(t, id, decode[api.Job](t, ok(t, "show", ref, "-o", "json")).ID)
	}
	require.Contains(t, ok(t, "show", id), "1 (exit 0)")
	_, talk, status := run(t, "show", "nope", "-o", "json")
	require.Equal(t, exitNotFound, status)
	require.Equal(t, api.CodeNotFound, decode[api.Error](t, talk).Code)
}

func TestLogsAreFollowedToTheEnd(t *testing.T) {
	h := newHouse(t)
	s := h.stage()
	id := h.submit(s.command()...)
	s.line("one")
	s.line("two <b>")
	eventually(t, "the log", func() bool {
		out, _, _ := run(t, "logs", id)
		return out == "one\ntwo <b>\n"
	})
	require.Equal(t, "two <b>\n", ok(t, "logs", id, "--tail", "1", "--step", "train", "--rank", "0"))
	require.Equal(t, `{"line":"one"}`+"\n"+`{"line":"two <b>"}`+"\n", ok(t, "logs", id, "-o", "json"))

	result := background(t, "logs", "-f", id)
	s.line("three")
	s.exit(3)
	out, _, status := result()
	require.Zero(t, status)
	require.Equal(t, "one\ntwo <b>\nthree\n", out)

	_, _, status = run(t, "logs", id, "--step", "nowhere")
	require.Equal(t, exitNotFound, status)
}

func TestLogsOfAJobThatHasWrittenNothing(t *testing.T) {
	h := newHouse(t)
	id := h.submit("sleep", "1000")
	out, talk, status := run(t, "logs", id)
	require.Zero(t, status)
	require.Empty(t, out)
	require.Contains(t, talk, "job sleep has written nothing yet; it is ")
	require.Contains(t, talk, "ftctl logs -f "+id)
	_, _, status = run(t, "stop", id)
	require.Zero(t, status)
	_, talk, status = run(t, "logs", "-f", id)
	require.Zero(t, status)
	require.Contains(t, talk, "job sleep has written nothing; it is stopped")
}

func TestLinesOfSeveralFilesSayWhichInJSON(t *testing.T) {
	var out strings.Builder
	require.NoError(t, filterLines(strings.NewReader("==> a.1/step.log <==\nx\n==> train.1/rank_0.log <==\ny\n==> z"), &lineFilter{}, newLineWriter(&out, true, false), func() error { return nil }))
	require.Equal(t, `{"file":"a.1/step.log","line":"x"}
{"file":"train.1/rank_0.log","line":"y"}
{"file":"train.1/rank_0.log","line":"==> z"}
`, out.String())
}

func TestLossHasEveryStepOnce(t *testing.T) {
	h := newHouse(t)
	s := h.stage()
	id := h.submit(s.command()...)
	require.Equal(t, "[]\n", ok(t, "loss", id, "-o", "json"))
	_, talk, status := run(t, "loss", id, "--plot")
	require.Zero(t, status)
	require.Contains(t, talk, "ftctl logs "+id)

	s.steps(1, 6, 10)
	result := background(t, "loss", "-f", id, "-o", "json")
	s.steps(7, 9, 10)
	s.line("2026-11-23 12:16:45,042 - mindformers - INFO - { Epoch:[  1/  1], step:[   10/   10], loss: nan, " +
		"per_step_time: 31ms, lr: 1e-05, overflow cond: True, loss_scale: 4096.0")
	s.exit(0)
	out, talk, status := result()
	require.Zero(t, status, talk)
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	require.Len(t, lines, 10)
	for i, line := range lines {
		require.EqualValues(t, i+1, decode[api.Point](t, line).GlobalStep)
	}
	require.Contains(t, lines[9], `"loss":"NaN"`)

	require.Len(t, decode[[]api.Point](t, ok(t, "loss", id, "-o", "json")), 10)
	require.Equal(t, 11, strings.Count(ok(t, "loss", id), "\n"))
	require.Equal(t, 11, strings.Count(ok(t, "loss", id, "-o", "csv"), "\n"))
	require.Contains(t, ok(t, "loss", "--plot", id), "1 losses are not finite")
	require.Equal(t, 11, strings.Count(ok(t, "loss", "-f", id), "\n"), "of an ended job it ends too")
	_, _, status = run(t, "loss", "--plot", "-f", id)
	require.Equal(t, exitUsage, status, "a picture is followed on terminals only")
}

func TestStopWaitsForTheEnd(t *testing.T) {
	h := newHouse(t)
	first, second, queued := h.submit("sleep", "1000"), h.submit("sleep", "1000"), h.submit("sleep", "1000")
	out, talk, status := run(t, "stop", first, "nope", second)
	require.Equal(t, exitNotFound, status)
	require.Equal(t, first+" stopped\n"+second+" stopped\n", out)
	require.Equal(t, 1, strings.Count(talk, "error:"), talk)
	for _, id := range []string{first, second} {
		require.Equal(t, api.StateStopped, h.job(id).State)
	}
	state := decode[api.Job](t, ok(t, "stop", "--no-wait", queued, "-o", "json")).State
	require.Contains(t, []api.State{api.StateStopping, api.StateStopped}, state)
	require.Contains(t, ok(t, "stop", first), "stopped", "it had ended already")
	require.Len(t, decode[[]api.Job](t, ok(t, "stop", first, second, "-o", "json")), 2)
}

func TestRmForgetsWhatEnded(t *testing.T) {
	h := newHouse(t)
	id, other := h.submit("true"), h.submit("true")
	ended := h.ended(id)
	h.ended(other)
	ckpt := filepath.Join(ended.Dir, "train.1", "output", "a.ckpt")
	require.NoError(t, os.MkdirAll(filepath.Dir(ckpt), 0o755))
	require.NoError(t, os.WriteFile(ckpt, []byte("x"), 0o600))
	_, talk, status := run(t, "rm", id)
	require.Equal(t, exitFailed, status)
	require.Contains(t, talk, "--checkpoints")
	require.FileExists(t, ckpt)
	require.Equal(t, id+"\n", ok(t, "rm", "--checkpoints", id[:26]))
	require.NoDirExists(t, ended.Dir)
	out, talk, status := run(t, "rm", "-o", "json", id, other, "nope")
	require.Equal(t, exitNotFound, status)
	require.Equal(t, []string{other}, decode[[]string](t, out))
	require.Equal(t, 2, strings.Count(talk, `{"code":"not-found"`), talk)
}

// Calls that work need Python: package cmd_test makes them.
func TestCallWithoutPythonSaysWhatToDo(t *testing.T) {
	newHouse(t)
	_, talk, status := run(t, "call", "math", "sqrt", "[16]")
	require.Equal(t, exitFailed, status)
	require.Contains(t, talk, "FTD_ENV")
}

func TestArgumentsOfACallStayAsTheyAre(t *testing.T) {
	for _, text := range []string{`[12345678901234567, "x"]`, ` {"a": 1e400} `} {
		args, err := callArguments(t.Context(), strings.NewReader(text), "-")
		require.NoError(t, err)
		require.Equal(t, strings.TrimSpace(text), string(args))
	}
}

func TestVersionWaitsForADaemonThatIsStarting(t *testing.T) {
	h := newHouse(t)
	h.kill()
	result := background(t, "version", "--wait", "30s")
	h.open()
	out, talk, status := result()
	require.Zero(t, status, talk)
	require.Contains(t, out, "ftd     test")
}

func TestTheVersionIsAFlagToo(t *testing.T) {
	require.Equal(t, "ftctl version "+version+"\n", ok(t, "--version"))
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
	h.ended(id)
	out, _, _ := run(t, "__complete", "show", "")
	require.Contains(t, out, id)
	out, _, _ = run(t, "__complete", "run", "tiny")
	require.Contains(t, out, "tiny-llama")
	t.Setenv("FTD_SOCKET", nowhere(t))
	out, _, status := run(t, "__complete", "show", "")
	require.Zero(t, status)
	require.Equal(t, ":4\n", out, "no daemon, nothing to complete, no noise")
}
