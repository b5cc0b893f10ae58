package cmd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// scripted is the environment of a script that names no Python: the one that ftd
// was built for is known.
var scripted = []string{"FTD_ENV=", "VIRTUAL_ENV=", "CONDA_PREFIX=", "PATH=/usr/bin:/bin"}

// endsDaemonOf ends the daemon that ftctl started when the test is over.
func (h *house) endsDaemonOf(run func(args ...string) result) {
	h.t.Cleanup(func() {
		v := decode[struct{ Daemon *api.Version }](h.t, run("version", "-o", "json")).Daemon
		if v == nil {
			return
		}
		require.NoError(h.t, syscall.Kill(v.PID, syscall.SIGTERM))
		eventually(h.t, "the end of the daemon", func() bool { return syscall.Kill(v.PID, 0) != nil })
	})
}

// From an empty home a script's `ftctl run` needs no other command, whatever
// else it starts at the same moment.
func TestAScriptsFirstJobStartsTheDaemon(t *testing.T) {
	h := newHouse(t)
	ftctl := bin(t, "ftctl")
	run := func(args ...string) result { return h.run(ftctl, scripted, args...) }
	h.endsDaemonOf(run)

	no := run("train", "--no-start", "--", "true")
	require.Equal(t, 3, no.code)
	require.NoDirExists(t, h.state())
	no = run("run", "tiny-llama", "--dry-run")
	require.Equal(t, 3, no.code, "which is to do nothing")
	require.NoDirExists(t, h.state())

	var all sync.WaitGroup
	results := make([]result, 3)
	for i := range results {
		all.Go(func() { results[i] = run("train", "--", "true") })
	}
	all.Wait()
	var said int
	for _, r := range results {
		require.Zero(t, r.code, r.stderr)
		if words := "no daemon was running: started ftd "; len(r.stderr) > len(words) && r.stderr[:len(words)] == words {
			said++
		}
	}
	require.Equal(t, 1, said, "one of them has started it: %v", results)
	v := decode[struct{ Daemon api.Version }](t, run("version", "-o", "json")).Daemon
	require.Equal(t, h.env, v.Env)

	// After a crash as well; a recipe from a pipe is read once.
	require.NoError(t, syscall.Kill(v.PID, syscall.SIGKILL))
	eventually(t, "its end", func() bool { return syscall.Kill(v.PID, 0) != nil })
	recipe := filepath.Join(h.dir, "r.yaml")
	require.NoError(t, os.WriteFile(recipe, []byte("apiVersion: ftd/v1\nname: piped\nsteps:\n  - id: say\n    uses: shell\n    with: {run: echo hello}\n"), 0o600))
	file, err := os.Open(recipe)
	require.NoError(t, err)
	defer file.Close()
	// In a crontab: the lock is free again when the line has ended.
	lock := filepath.Join(h.dir, "lock")
	cron := exec.CommandContext(t.Context(), "flock", "-n", lock, ftctl, "run", "-", "-o", "json")
	cron.Env, cron.Dir, cron.Stdin = h.environ(scripted...), h.dir, file
	out, err := cron.Output()
	require.NoError(t, err, "%s", out)
	require.Equal(t, api.StateSucceeded, decode[api.Job](t, result{stdout: string(out)}).State)
	require.NoError(t, exec.CommandContext(t.Context(), "flock", "-n", lock, "true").Run(), "the daemon holds the lock of the crontab's line")
}

// Where no daemon can be started the error says why, and what to do.
func TestWhyNoDaemonWasStarted(t *testing.T) {
	h := newHouse(t)
	prefix := filepath.Join(h.dir, "prefix")
	require.NoError(t, os.MkdirAll(filepath.Join(prefix, "bin"), 0o755))
	program, err := os.ReadFile(bin(t, "ftctl"))
	require.NoError(t, err)
	ftctl := filepath.Join(prefix, "bin", "ftctl")
	require.NoError(t, os.WriteFile(ftctl, program, 0o755))
	began := time.Now()
	for _, c := range []struct {
		ftctl, env string
		says       []string
	}{
		{ftctl, "", []string{"there is no socket at " + h.socket(), "none was started: no Python environment is known", "ftctl up --env /path/to/env"}},
		{ftctl, h.env, []string{"none was started: ftd is neither beside ftctl nor in PATH", "install it with"}},
		{bin(t, "ftctl"), filepath.Join(h.dir, "gone"), []string{"none was started: the daemon does not start: the Python environment " + h.dir + "/gone does not exist", "ftd.log"}},
	} {
		for _, args := range [][]string{{"run", "tiny-llama"}, {"train", "--", "true"}} {
			r := h.run(c.ftctl, append(scripted, "FTD_ENV="+c.env), args...)
			require.Equal(t, 3, r.code, r.stderr)
			for _, words := range c.says {
				require.Contains(t, r.stderr, words)
			}
		}
	}
	r := h.run(bin(t, "ftctl"), append(scripted, "FTD_STATE_DIR=/proc/state"), "train", "--", "true")
	require.Equal(t, 3, r.code)
	require.Contains(t, r.stderr, "none was started: mkdir /proc/state")
	require.Less(t, time.Since(began), time.Minute, "none of them waits in vain")
}
