package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// background runs ftctl while the test goes on.
func background(t *testing.T, args ...string) func() (out, talk string, status int) {
	t.Helper()
	type result struct {
		out, talk string
		status    int
	}
	done := make(chan result, 1)
	go func() {
		out, talk, status := run(t, args...)
		done <- result{out, talk, status}
	}()
	return func() (string, string, int) {
		t.Helper()
		select {
		case r := <-done:
			return r.out, r.talk, r.status
		case <-time.After(time.Minute):
			t.Fatal("ftctl did not end")
			panic("unreachable")
		}
	}
}

// eventually waits for a condition of the world outside.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for: %s", what)
		}
		<-tick.C
	}
}

func TestTrainFollowsToASuccess(t *testing.T) {
	h := newHouse(t)
	s := h.stage()
	result := background(t, s.ftctl("--name", "first", "-e", "FTCTL_TEST=1")...)
	id := h.submitted()
	s.compile(7 * time.Second)
	s.steps(1, 20, 20)
	s.exit(0)
	out, talk, status := result()
	require.Zero(t, status, out+talk)
	require.Contains(t, talk, "job "+id+" (first)")
	for _, words := range []string{"train: running\n", "compiling, nothing is wrong", "compiled in 7.", "step 20/20  loss 4.299",
		"18.2 samples/s", "train: succeeded after", "┤", "overflow    0 steps", "checkpoint  none", "job " + id + " succeeded in"} {
		require.Contains(t, out, words)
	}
	require.NotContains(t, out, "\x1b", "no terminal, no escapes")
}

func TestTrainTellsAFailure(t *testing.T) {
	h := newHouse(t)
	s := h.stage()
	result := background(t, s.ftctl()...)
	h.submitted()
	for _, line := range []string{"Traceback (most recent call last):", `  File "train.py", line 4, in load`, "ValueError: made of cheese"} {
		s.line(line)
	}
	s.exit(3)
	out, talk, status := result()
	require.Equal(t, exitJob, status)
	require.Contains(t, out, "error: ")
	require.Contains(t, out, "made of cheese")
	require.Contains(t, out, `  |   File "train.py", line 4, in load`)
	require.Contains(t, out, "rank_0.log:")
	require.Contains(t, out, "what to do: ")
	require.NotContains(t, talk, "cheese", "once is enough")
}

func TestTrainAsJSON(t *testing.T) {
	h := newHouse(t)
	s := h.stage()
	result := background(t, s.ftctl("-o", "json")...)
	h.submitted()
	s.exit(3)
	out, talk, status := result()
	require.Equal(t, exitJob, status)
	job := decode[api.Job](t, out)
	require.Equal(t, api.StateFailed, job.State)
	require.Equal(t, 3, *job.Steps[0].Attempts[0].ExitCode, "the training's own status")
	require.Equal(t, *job.Error, decode[api.Error](t, talk), "stderr holds the error and nothing else")
}

func TestDetachedJobsAreNamedOnStdout(t *testing.T) {
	h := newHouse(t)
	out, talk, status := run(t, "train", "-d", "--name", "n", "--dir", h.dir, "--", "true")
	require.Zero(t, status, talk)
	id := strings.TrimSpace(out)
	require.Contains(t, talk, "ftctl wait "+id)
	require.Equal(t, "n", h.ended(id).Name)

	out, talk, status = run(t, "train", "-d", "-o", "json", "true")
	require.Zero(t, status)
	require.Empty(t, talk)
	h.ended(decode[api.Job](t, out).ID)
}

func TestRunRefusesWhatIsWrongWithTheRecipe(t *testing.T) {
	h := newHouse(t)
	wrong := filepath.Join(h.dir, "wrong.yaml")
	require.NoError(t, os.WriteFile(wrong, []byte("apiVersion: ftd/v1\nname: x\nstepz: []\n"), 0o600))
	for name, c := range map[string]struct {
		args   []string
		status int
		says   string
	}{
		"key":      {[]string{wrong}, exitUsage, wrong + `:3:1: the recipe has no key "stepz"`},
		"name":     {[]string{"tiny-lama"}, exitNotFound, "tiny-llama"},
		"file":     {[]string{"./nowhere.yaml"}, exitNotFound, "nowhere.yaml"},
		"variable": {[]string{"tiny-llama", "--set", "nonsense=1"}, exitUsage, "nonsense"},
		"stdin":    {[]string{"-"}, exitUsage, "empty"},
	} {
		t.Run(name, func(t *testing.T) {
			_, talk, status := run(t, append([]string{"run"}, c.args...)...)
			require.Equal(t, c.status, status, talk)
			require.Contains(t, talk, c.says)
			require.LessOrEqual(t, strings.Count(talk, "\n"), 2, talk)
		})
	}
	jobs, err := h.client.Jobs(t.Context(), api.JobsQuery{})
	require.NoError(t, err)
	require.Empty(t, jobs, "nothing is left behind")
}

func TestWaitSaysHowTheJobEnded(t *testing.T) {
	h := newHouse(t)
	s := h.stage()
	id := h.submit(s.command()...)
	_, talk, status := run(t, "wait", "--timeout", "50ms", id)
	require.Equal(t, exitTimeout, status)
	require.Contains(t, talk, "it goes on")
	out, talk, status := run(t, "wait", "--timeout", "0s", id)
	require.Equal(t, exitTimeout, status)
	require.Empty(t, out)
	require.Contains(t, talk, "has not ended: it is running")

	result := background(t, "wait", "-q", id[:24])
	s.exit(0)
	out, talk, status = result()
	require.Zero(t, status, talk)
	require.Empty(t, out+talk)

	out, _, status = run(t, "wait", "--timeout", "0", id)
	require.Zero(t, status)
	require.Contains(t, out, "train: succeeded after")
	stopped := h.submit("sleep", "1000")
	_, _, status = run(t, "stop", stopped)
	require.Zero(t, status)
	out, _, status = run(t, "wait", stopped)
	require.Equal(t, exitJob, status)
	require.Regexp(t, "(was|is) stopped", out, "at work, or before that")
	_, _, status = run(t, "wait", "01nosuchjob")
	require.Equal(t, exitNotFound, status)
}

// Who comes late is told how things stand, and waits in peace.
func TestAFollowerThatComesLateIsToldHowThingsStand(t *testing.T) {
	h := newHouse(t)
	s := h.stage()
	id := h.submit(s.command()...)
	s.compile(7 * time.Second)
	eventually(t, "the compile phase", func() bool {
		training := h.job(id).Training
		return training != nil && training.Phase == api.PhaseCompiling
	})
	lines, w := io.Pipe()
	ended := make(chan error, 1)
	f, job := follower{client: h.client, view: &linesView{w: w}, now: time.Now}, *h.job(id)
	go func() {
		_, err := f.follow(t.Context(), job)
		ended <- errors.Join(err, w.Close())
	}()
	told := bufio.NewReader(lines)
	for _, want := range []string{"train: running\n", "compiling, nothing is wrong"} {
		line, err := told.ReadString('\n')
		require.NoError(t, err)
		require.Contains(t, line, want)
	}
	s.steps(1, 20, 20)
	s.exit(0)
	rest, err := io.ReadAll(told)
	require.NoError(t, err)
	require.NoError(t, <-ended)
	require.Contains(t, string(rest), "compiled in 7.")
	require.NotContains(t, string(rest), "running", "once is enough")
}

// A daemon that dies and comes back costs its followers nothing.
func TestAFollowerOutlivesTheDaemon(t *testing.T) {
	h := newHouse(t)
	s := h.stage()
	result := background(t, s.ftctl()...)
	id := h.submitted()
	follow := background(t, "loss", "-f", id, "-o", "json")
	s.steps(1, 10, 20)
	eventually(t, "the tenth step", func() bool {
		training := h.job(id).Training
		return training != nil && training.StepsDone == 10
	})
	h.kill()
	s.steps(11, 20, 20)
	s.exit(0)
	h.open()
	out, talk, status := result()
	require.Zero(t, status, out+talk)
	require.Equal(t, 1, strings.Count(out, "step 20/20  loss"), out)
	require.Equal(t, 1, strings.Count(out, "train: succeeded"), out)
	out, talk, status = follow()
	require.Zero(t, status, talk)
	for i, line := range strings.Split(strings.TrimSpace(out), "\n") {
		require.EqualValues(t, i+1, decode[api.Point](t, line).GlobalStep)
	}
	require.Equal(t, 20, strings.Count(out, "\n"))
}
