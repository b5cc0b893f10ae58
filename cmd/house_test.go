// Package cmd_test tells the stories that take all four binaries: a person
// with ftctl, the daemon behind its front door, the shim, and a training on
// real MindSpore. Everything runs as a user would run it, from bin/.
package cmd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// house is one private installation: a state directory, a socket, and a daemon
// that may be killed and started again.
type house struct {
	t      testing.TB
	dir    string
	env    string
	daemon *exec.Cmd
	ended  chan error
	starts int
}

// bin returns the path of a built binary.
func bin(t testing.TB, name string) string {
	dir := os.Getenv("FTD_TEST_BIN")
	if dir == "" {
		dir = filepath.Join("..", "bin")
	}
	path, err := filepath.Abs(filepath.Join(dir, name))
	require.NoError(t, err)
	if _, err := os.Stat(path); err != nil {
		need(t, "the built binaries (make build, or FTD_TEST_BIN)")
	}
	return path
}

// testEnv returns the Python environment with MindSpore.
func testEnv(t testing.TB) string {
	env := os.Getenv("FTD_TEST_ENV")
	if env == "" {
		need(t, "FTD_TEST_ENV, the environment that make env creates")
	}
	return env
}

// need skips a test that lacks something, or fails it where everything must be
// there (make test says so with FTD_TEST_COMPLETE).
func need(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("FTD_TEST_COMPLETE") != "" {
		t.Fatalf("this test needs %s", what)
	}
	t.Skipf("needs %s", what)
}

// newHouse makes an installation whose daemon is not started yet.
func newHouse(t testing.TB) *house {
	// Not t.TempDir: its path may be too long for a socket.
	dir, err := os.MkdirTemp("", "ftd")
	require.NoError(t, err)
	h := &house{t: t, dir: dir, env: testEnv(t)}
	t.Cleanup(func() {
		h.stopJobs()
		h.terminate()
		if t.Failed() {
			t.Logf("the daemon's log:\n%s", h.daemonLog())
			t.Logf("kept: %s", dir)
			return
		}
		require.NoError(t, os.RemoveAll(dir))
	})
	return h
}

func (h *house) state() string  { return filepath.Join(h.dir, "state") }
func (h *house) socket() string { return filepath.Join(h.dir, "ftd.sock") }

// environ is the environment of every program of the house.
func (h *house) environ(extra ...string) []string {
	env := append(os.Environ(),
		"FTD_STATE_DIR="+h.state(), "FTD_SOCKET="+h.socket(), "FTD_ENV="+h.env,
		"FTD_METRICS_ADDRESS=", "FTD_CONFIG=/dev/null", "NO_COLOR=1")
	return append(env, extra...)
}

// start starts the daemon and waits until it answers.
func (h *house) start() {
	h.t.Helper()
	h.launch()
	out := h.ctl("version", "--wait", "20s")
	require.Zero(h.t, out.code, "the daemon did not start: %s\n%s", out.stderr, h.daemonLog())
}

// launch starts the daemon.
func (h *house) launch() {
	h.t.Helper()
	h.starts++
	log, err := os.Create(filepath.Join(h.dir, fmt.Sprintf("daemon.%d.log", h.starts)))
	require.NoError(h.t, err)
	defer log.Close()
	h.daemon = exec.Command(bin(h.t, "ftd"))
	h.daemon.Env = h.environ()
	h.daemon.Stdout, h.daemon.Stderr = log, log
	require.NoError(h.t, h.daemon.Start())
	ended := make(chan error, 1)
	go func(c *exec.Cmd) { ended <- c.Wait() }(h.daemon)
	h.ended = ended
}

// kill ends the daemon as a crash would.
func (h *house) kill() {
	h.t.Helper()
	require.NoError(h.t, h.daemon.Process.Signal(syscall.SIGKILL))
	<-h.ended
	h.daemon = nil
}

// terminate ends the daemon as systemd would.
func (h *house) terminate() {
	if h.daemon == nil {
		return
	}
	_ = h.daemon.Process.Signal(syscall.SIGTERM)
	select {
	case <-h.ended:
	case <-time.After(20 * time.Second):
		h.t.Error("the daemon did not end within 20 s of SIGTERM")
		_ = h.daemon.Process.Kill()
		<-h.ended
	}
	h.daemon = nil
}

// stopJobs stops what still trains, so that no test leaves a process behind.
func (h *house) stopJobs() {
	if h.daemon == nil {
		return
	}
	for _, job := range h.jobs() {
		if !job.State.Ended() {
			h.ctl("stop", job.ID)
		}
	}
}

func (h *house) daemonLog() string {
	var all strings.Builder
	for i := 1; i <= h.starts; i++ {
		text, _ := os.ReadFile(filepath.Join(h.dir, fmt.Sprintf("daemon.%d.log", i)))
		fmt.Fprintf(&all, "--- start %d\n%s", i, text)
	}
	return all.String()
}

// result is what a command printed and how it ended.
type result struct {
	stdout, stderr string
	code           int
}

// ctl runs ftctl to its end.
func (h *house) ctl(args ...string) result {
	h.t.Helper()
	return h.run(bin(h.t, "ftctl"), nil, args...)
}

func (h *house) run(path string, env []string, args ...string) result {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = h.environ(env...)
	cmd.Dir = h.dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(h.t, err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// decode reads the JSON that ftctl printed.
func decode[T any](t testing.TB, r result) T {
	t.Helper()
	var v T
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &v), "stdout: %s\nstderr: %s", r.stdout, r.stderr)
	return v
}

func (h *house) jobs() []api.Job {
	h.t.Helper()
	return decode[[]api.Job](h.t, h.ctl("ps", "--all", "-o", "json"))
}

func (h *house) job(id string) api.Job {
	h.t.Helper()
	return decode[api.Job](h.t, h.ctl("show", id, "-o", "json"))
}

func (h *house) points(id string) []api.Point {
	h.t.Helper()
	return decode[[]api.Point](h.t, h.ctl("loss", id, "-o", "json"))
}

// eventually waits for a condition of the world outside.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(3 * time.Minute)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for: %s", what)
		}
		<-tick.C
	}
}

// requireEveryStepOnce asserts that a run's step records are 1, 2, … last.
func requireEveryStepOnce(t testing.TB, points []api.Point, last int) {
	t.Helper()
	var got []string
	for _, p := range points {
		got = append(got, strconv.FormatInt(p.GlobalStep, 10))
	}
	var want []string
	for i := 1; i <= last; i++ {
		want = append(want, strconv.Itoa(i))
	}
	require.Equal(t, strings.Join(want, " "), strings.Join(got, " "))
}
