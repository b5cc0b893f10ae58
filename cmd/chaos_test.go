package cmd_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// The daemon is killed at random moments while five trainings run. None is
// harmed, no record is lost or doubled, and every exit status is right.
// FTD_CHAOS_KILLS is how often; make chaos does it 200 times.
func TestChaosOfADaemonThatIsKilled(t *testing.T) {
	kills := 8
	if text := os.Getenv("FTD_CHAOS_KILLS"); text != "" {
		var err error
		kills, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	t.Setenv("FTD_SLOTS", "5") // of the daemon
	h := newHouse(t)
	h.start()
	script, err := filepath.Abs("../testdata/trainer/trainer.py")
	require.NoError(t, err)
	steps := kills * 30 // so that they outlast the killing
	type training struct {
		args   []string
		code   int
		signal string
		last   int
		id     string
	}
	trainings := []training{
		{args: []string{"--format", "0.6"}, last: steps},
		{args: []string{"--format", "0.8", "--crash-at", strconv.Itoa(steps)}, code: 1, last: steps - 1},
		{args: []string{"--format", "1.6", "--status", "7", "--workers", "1", "--torn"}, code: 7, last: steps},
		{args: []string{"--format", "1.6", "--kill-at", strconv.Itoa(steps)}, code: 137, signal: "SIGKILL", last: steps - 1},
		{args: []string{"--format", "0.8", "--carriage-returns", "--long-line", "3000000"}, last: steps},
	}
	for i := range trainings {
		dir := filepath.Join(h.dir, fmt.Sprint("work", i))
		require.NoError(t, os.Mkdir(dir, 0o700))
		args := append([]string{"train", "--detach", "-o", "json", "--dir", dir, "--", filepath.Join(h.env, "bin", "python"), "-B", script,
			"--steps", strconv.Itoa(steps), "--step-ms", "20", "--save-every", strconv.Itoa(steps / 3)}, trainings[i].args...)
		submitted := h.ctl(args...)
		require.Zero(t, submitted.code, submitted.stderr)
		trainings[i].id = decode[api.Job](t, submitted).ID
	}
	for range kills {
		// Any moment: while it opens the journal, adopts, reads, stores.
		<-time.After(time.Duration(rand.IntN(500)) * time.Millisecond)
		h.kill()
		h.launch()
	}
	for _, c := range trainings {
		h.ctl("version", "--wait", "20s")
		wait := h.ctl("wait", c.id, "--timeout", "3m")
		job := h.job(c.id)
		require.True(t, job.State.Ended(), "%s: %s%s", c.args, wait.stdout, wait.stderr)
		require.Equal(t, map[bool]api.State{true: api.StateSucceeded, false: api.StateFailed}[c.code == 0], job.State, "%s: %+v", c.args, job.Error)
		require.Len(t, job.Steps[0].Attempts, 1, "%s: it ran once", c.args)
		attempt := job.Steps[0].Attempts[0]
		require.NotNil(t, attempt.ExitCode, "%s", c.args)
		require.Equal(t, c.code, *attempt.ExitCode, "%s", c.args)
		require.Equal(t, c.signal, attempt.Signal, "%s", c.args)
		requireEveryStepOnce(t, h.points(c.id), c.last)
		require.Len(t, job.Training.Checkpoints, c.last/(steps/3), "%s", c.args)
		require.Empty(t, job.Training.Alarms, "%s", c.args)
		requireLogOnce(t, filepath.Join(attempt.Dir, "rank_0.log"), c.last)
	}
	requireNobodyLeft(t, h)
	t.Logf("%d kills, %d steps of each of %d trainings", kills, steps, len(trainings))
}

// requireLogOnce asserts that the training itself wrote each step once: that it
// was not started twice behind everybody's back.
func requireLogOnce(t *testing.T, path string, last int) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, last, strings.Count(string(text), "loss:"), path)
}

// requireNobodyLeft asserts that no process of the house's trainings is left.
func requireNobodyLeft(t *testing.T, h *house) {
	t.Helper()
	eventually(t, "the end of all processes of the trainings", func() bool {
		entries, err := os.ReadDir("/proc")
		require.NoError(t, err)
		for _, e := range entries {
			pid, err := strconv.Atoi(e.Name())
			if err != nil || pid == h.daemon.Process.Pid {
				continue
			}
			command, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
			if strings.Contains(string(command), h.state()) && syscall.Kill(pid, 0) == nil {
				return false
			}
		}
		return true
	})
}
