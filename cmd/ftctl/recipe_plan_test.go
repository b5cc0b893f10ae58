package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

const planned = `apiVersion: ftd/v1
name: planned
vars: {data: a.json, epochs: 1}
steps:
  - {id: data, uses: data, with: {source: "${data}"}}
  - {id: copy, uses: config, with: {file: "${steps.data.outputs.file}", set: {epochs: "${epochs}"}}}
  - {id: train, uses: train, with: {command: [cat, "${steps.copy.outputs.file}"]}}
`

func TestAPlanSaysWhatIsDoneAlready(t *testing.T) {
	h := newHouse(t)
	file := filepath.Join(h.dir, "planned.yaml")
	require.NoError(t, os.WriteFile(file, []byte(planned), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(h.dir, "a.json"), []byte("epochs: 0\n"), 0o600))

	plan := func(wantStatus int, args ...string) api.Plan {
		t.Helper()
		out, talk, status := run(t, append([]string{"recipe", "plan", file, "-o", "json"}, args...)...)
		require.Equal(t, wantStatus, status, talk)
		return decode[api.Plan](t, out)
	}
	cached := func(p api.Plan) (ids []string) {
		for _, s := range p.Steps {
			if s.Cached {
				ids = append(ids, s.ID)
			}
		}
		return ids
	}

	p := plan(0)
	require.Empty(t, cached(p))
	require.Equal(t, []string{"data.file"}, p.Steps[1].After)
	require.Equal(t, "train: cat ‹copy.file›", p.Steps[2].Summary)
	require.Equal(t, "1", p.Vars["epochs"])
	require.Positive(t, p.DiskFreeBytes)
	out, _, status := run(t, "ps", "-o", "json")
	require.Zero(t, status)
	require.JSONEq(t, "[]", out, "a plan starts nothing")

	_, talk, status := run(t, "run", file)
	require.Zero(t, status, talk)
	require.Equal(t, []string{"data", "copy"}, cached(plan(0)))
	require.Equal(t, []string{"data"}, cached(plan(0, "--from", "copy")))
	require.Equal(t, []string{"data"}, cached(plan(0, "--set", "epochs=2")))
	require.Empty(t, cached(plan(0, "--force")))

	out, _, status = run(t, "run", "--dry-run", file)
	require.Zero(t, status)
	require.Contains(t, out, "the result is there: set values in")
	require.Contains(t, out, "3 steps, 2 of them done already")

	p = plan(1, "--set", "data=missing.json")
	require.Contains(t, p.Steps[0].Error.Message, "missing.json")
	require.NotEmpty(t, p.Steps[0].Error.Remedy)
	_, talk, status = run(t, "recipe", "plan", file, "--from", "cpy")
	require.Equal(t, 2, status)
	require.Contains(t, talk, `did you mean "copy"?`)
}

func TestFromRunsAStepAgainAndWhatNeedsIt(t *testing.T) {
	h := newHouse(t)
	file := filepath.Join(h.dir, "planned.yaml")
	require.NoError(t, os.WriteFile(file, []byte(planned), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(h.dir, "a.json"), []byte("epochs: 0\n"), 0o600))
	run := func(args ...string) map[string]api.State {
		t.Helper()
		out, talk, status := run(t, append([]string{"run", file, "-o", "json"}, args...)...)
		require.Zero(t, status, talk)
		job := decode[api.Job](t, out)
		states := map[string]api.State{}
		for _, s := range job.Steps {
			states[s.ID] = s.State
		}
		return states
	}
	const ran, skipped = api.StateSucceeded, api.StateSkipped
	require.Equal(t, map[string]api.State{"data": ran, "copy": ran, "train": ran}, run())
	require.Equal(t, map[string]api.State{"data": skipped, "copy": skipped, "train": ran}, run())
	require.Equal(t, map[string]api.State{"data": skipped, "copy": ran, "train": ran}, run("--from", "copy"))
}
