package cmd_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"ftd/api"
)

// interruption is a step, and what is to be seen when it is half done.
type interruption struct {
	step string
	half func() bool
	// waits says that it stays so, because a server or a gate holds it up.
	waits bool
}

// interruptions are of every kind that makes something, in the order of the steps.
func (p *preparation) interruptions() []interruption {
	making := func(name string) func() bool {
		return func() bool { return p.there("results", ".new-*", name) }
	}
	begun := func() bool { return len(p.unfinished()) > 0 }
	return []interruption{
		{"checkout", func() bool {
			return p.server.times("/model.git/info/refs") == 1 && p.there("results", ".new-*", "model", ".git")
		}, true},
		{"lfs", func() bool { return p.there("partial", p.large+".part") }, true},
		{"config", begun, false},
		{"shell", making("made"), true},
		{"script", func() bool { return p.there("runs", "*", "*", "made") }, true},
		{"second", func() bool { return p.there("envs", "*", "bin", "python") }, false}, // which has no pip yet
		{"data", func() bool { return p.there("partial", "*.part") }, true},
		{"alpaca", func() bool { return p.there("results", ".new-*", ".files-*", "alpaca", "*") }, false},
		{"conversations", begun, false},
		{"tokenizer", begun, false},
		{"adgen", making("train.mindrecord"), false},
		{"mindrecord", making("*.mindrecord"), false},
		{"weights", making("*"), false},
		{"merge", making("*"), false},
		{"convert", making("*"), false},
	}
}

// await waits until a step is half done.
func (p *preparation) await(id string, at interruption) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(3 * time.Millisecond) // what is half done is whole soon
	defer tick.Stop()
	for !p.running(at.step) || !at.half() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			p.t.Fatalf("%s is never half done: %s", at.step, p.ctl("show", id).stdout)
		}
	}
}

// running says whether the daemon has begun a step: what is half done may be of
// the one before.
func (p *preparation) running(step string) bool {
	log, err := os.ReadFile(filepath.Join(p.dir, fmt.Sprintf("daemon.%d.log", p.starts)))
	require.NoError(p.t, err)
	return bytes.Contains(log, fmt.Appendf(nil, `"step":%q,"state":"running"`, step))
}

// open lets a step go on that waits for its gate.
func (p *preparation) open(step string) {
	require.NoError(p.t, os.WriteFile(p.gate+"."+step, nil, 0o600))
}

// killed ends the daemon in the middle of a step, and starts the next one, which
// goes on with the job.
func (p *preparation) killed(id, step string) string {
	p.t.Helper()
	p.kill()
	halves := p.unfinished()
	switch step {
	case "script": // it waits for its gate
	case "second":
		require.False(p.t, p.there("envs", "*", "lib", "python*", "site-packages", "small.py"), "the environment was whole")
	default:
		require.NotEmpty(p.t, halves, "%s had ended", step)
	}
	p.open(step)
	p.start()
	for _, half := range halves {
		require.NoDirExists(p.t, half, step)
	}
	return id
}

// stopped has the job stopped in the middle of a step, and the recipe run again.
func (p *preparation) stopped(id, step string) string {
	p.t.Helper()
	stop := p.ctl("stop", id)
	require.Zero(p.t, stop.code, stop.stderr)
	eventually(p.t, "the stop", func() bool { return p.job(id).State.Ended() })
	for _, s := range p.job(id).Steps {
		if s.ID == step {
			require.Equal(p.t, api.StateStopped, s.State, step)
		}
	}
	require.Empty(p.t, p.unfinished(), step)
	p.open(step)
	return p.submit("another")
}

// times are when the results of the steps before one were made: they must be there.
func (p *preparation) times(id, until string) map[string]time.Time {
	p.t.Helper()
	times := map[string]time.Time{}
	for _, step := range p.job(id).Steps {
		if step.ID == until {
			break
		}
		manifest, kept := step.Outputs["manifest"]
		if info, err := os.Stat(manifest); kept && err == nil {
			times[step.ID] = info.ModTime()
		}
	}
	return times
}

// A step of any kind is interrupted in the middle: by the end of the daemon, and
// the next one goes on with the job; or by a person, who has the recipe run again.
// What was done stays done, and nothing half made is left.
func TestARecipeGoesOnWhereItWasInterrupted(t *testing.T) {
	for name, c := range map[string]struct {
		recipe    string
		interrupt func(p *preparation, id, step string) string
	}{
		"daemon killed": {prepared + preparedByPython, (*preparation).killed},
		"job stopped":   {prepared, (*preparation).stopped},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPreparation(t, c.recipe)
			p.start()
			id := p.submit("hidden")
			for _, at := range p.interruptions() {
				if c.recipe == prepared && !at.waits {
					continue
				}
				p.await(id, at)
				before := id
				id = c.interrupt(p, id, at.step)
				now := p.times(before, at.step)
				for step, then := range p.made {
					require.Equal(t, then, now[step], "%s was made again before %s", step, at.step)
				}
				p.made = now
			}
			eventually(t, "the end", func() bool { return p.job(id).State.Ended() })
			p.requireWhole(id)
		})
	}
}

// requireWhole looks at all that a job was to make.
func (p *preparation) requireWhole(id string) {
	t := p.t
	t.Helper()
	job := p.job(id)
	require.Equal(t, api.StateSucceeded, job.State, "%v", job.Error)
	for _, step := range job.Steps {
		require.LessOrEqual(t, len(step.Attempts), 1, step.ID)
		require.Equal(t, step.ID == "merge", missing(step.Outputs["manifest"]), step.ID)
		made := filepath.Join(step.Outputs["dir"], "made")
		if step.ID == "shell" || step.ID == "script" {
			text, err := os.ReadFile(made)
			require.NoError(t, err)
			require.Equal(t, "whole", strings.TrimSpace(string(text)))
		}
	}
	for _, path := range []string{"/alpaca.zip", "/large/" + p.large} {
		require.Regexp(t, `^bytes=[1-9]\d*-$`, p.server.lastRange(t, path), "only what was missing of %s was fetched", path)
	}
	require.True(t, p.there("envs", "*", "lib", "python*", "site-packages", "pip"), "the environment has a pip")
	pids, err := os.ReadFile(p.gate + ".pids")
	require.NoError(t, err)
	for _, pid := range strings.Fields(string(pids)) {
		require.NoDirExists(t, filepath.Join("/proc", pid), "nobody is left of the shell that was interrupted")
	}
	require.Empty(t, p.unfinished())
	parts, err := os.ReadDir(filepath.Join(p.state(), "partial"))
	require.NoError(t, err)
	require.Empty(t, parts)

	again := p.job(p.submit("third"))
	eventually(t, "the end", func() bool { return p.job(again.ID).State.Ended() })
	for _, step := range p.job(again.ID).Steps {
		always := step.ID == "script" || step.ID == "second" // they say nothing of what they make, or are looked at
		require.Equal(t, always, step.State == api.StateSucceeded, step.ID)
		require.Equal(t, !always, step.State == api.StateSkipped, step.ID)
	}
	require.NotContains(t, p.ctl("show", id).stdout+p.daemonLog(), "hidden")
}

func missing(path string) bool {
	_, err := os.Stat(path)
	return path != "" && os.IsNotExist(err)
}

// What does not fit into the state directory goes to another place.
func TestALargeResultGoesToAnotherPlace(t *testing.T) {
	h := newHouse(t)
	require.NoError(t, os.MkdirAll(h.state(), 0o700))
	if err := unix.Mount("tmpfs", h.state(), "tmpfs", 0, "size=48m,mode=700"); err != nil {
		t.Skipf("no filesystem can be mounted: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(h.state(), unix.MNT_DETACH) })
	place := filepath.Join(h.dir, "place")
	require.NoError(t, os.Mkdir(place, 0o700))
	t.Setenv("FTD_PLACES", place)
	weights := stored(t, map[string][]byte{"w/weights.bin": make([]byte, 64<<20)})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(weights))
	}))
	t.Cleanup(server.Close)
	file := filepath.Join(h.dir, "large.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`apiVersion: ftd/v1
name: large
steps:
  - {id: weights, uses: fetch, keep: false, with: {source: "`+server.URL+`/weights.zip", about: 64000000}}
  - {id: files, uses: unpack, with: {archive: "${steps.weights.outputs.file}", max_ratio: 2000}}
`), 0o600))
	h.start()
	plan := h.ctl("recipe", "plan", file)
	require.Zero(t, plan.code, plan.stderr)
	require.Contains(t, plan.stdout, "its result would go to "+place)
	require.Contains(t, plan.stdout, "of results in between are removed")
	run := h.ctl("run", file)
	require.Zero(t, run.code, run.stderr)
	steps := h.job(h.jobs()[0].ID).Steps
	for _, step := range steps {
		require.True(t, strings.HasPrefix(step.Outputs["manifest"], place), step.ID)
	}
	require.NoFileExists(t, steps[0].Outputs["file"])
	require.FileExists(t, filepath.Join(steps[1].Outputs["dir"], "weights.bin"))
}
