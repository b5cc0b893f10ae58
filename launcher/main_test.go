package launcher

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"ftd/launcher/process"
)

// daemonVariable makes the test binary a daemon, see daemon_test.go.
const daemonVariable = "LAUNCHER_TEST_DAEMON"

// bench is what all tests share: programs that were built once.
type bench struct{ shim, python, trainer string }

var tools bench

func TestMain(m *testing.M) {
	if job := os.Getenv(daemonVariable); job != "" {
		if err := daemonMain(job); err != nil {
			panic(err)
		}
		return
	}
	dir, err := os.MkdirTemp("", "launcher")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	tools = build(dir)
	if m.Run() == 0 {
		if err := goleak.Find(); err != nil {
			panic(err)
		}
	}
}

func build(dir string) bench {
	b := bench{shim: filepath.Join(dir, "ftd-shim")}
	cmd := exec.Command("go", "build", "-o", b.shim, "ftd/cmd/ftd-shim")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("go build ftd-shim: %v\n%s", err, out))
	}
	for _, name := range []string{"python3", "python"} {
		if path, err := exec.LookPath(name); err == nil {
			b.python = path
			break
		}
	}
	if b.python == "" {
		panic("these tests need a python3")
	}
	trainer, err := filepath.Abs("../testdata/trainer/trainer.py")
	if err != nil {
		panic(err)
	}
	b.trainer = trainer
	return b
}

// training returns a spec that runs the trainer of testdata.
func training(t *testing.T, args ...string) Spec {
	t.Helper()
	return command(t, append([]string{tools.python, tools.trainer}, args...)...)
}

func command(t *testing.T, args ...string) Spec {
	t.Helper()
	return Spec{
		Run:     "job/" + t.Name(),
		Command: args,
		Dir:     t.TempDir(),
		Env:     []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()},
		Log:     "rank_0.log",
	}
}

// launch starts a spec that must start, and makes sure that nothing of it is
// left when the test ends.
func launch(t *testing.T, spec Spec) *Run {
	t.Helper()
	run, err := Launch(t.Context(), t.TempDir(), spec, tools.shim)
	require.NoError(t, err)
	t.Cleanup(func() { sweep(t, run) })
	return run
}

// sweep kills what is left of a run, the shim too.
func sweep(t *testing.T, run *Run) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, err := run.Stop(ctx, Ladder{{Name: "SIGKILL", Signal: 9, Grace: 20 * time.Second}}, nil)
	require.NoError(t, err)
	if s := run.Shim(); s.PID != 0 {
		require.NoError(t, holder(s).Wait(ctx))
	}
}

// wait waits for the end of a run, which must come.
func wait(t *testing.T, run *Run) Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	st, err := run.Wait(ctx)
	require.NoError(t, err, "log:\n%s", content(run.Log()))
	return st
}

func content(path string) string {
	data, _ := os.ReadFile(path)
	return string(data)
}

// logged waits until the run has printed text.
func logged(t *testing.T, run *Run, text string) {
	t.Helper()
	until(t, func() bool { return strings.Contains(content(run.Log()), text) },
		func() string { return fmt.Sprintf("%q in the log:\n%s", text, content(run.Log())) })
}

// until waits for a condition that must come true.
func until(t *testing.T, condition func() bool, what func() string) {
	t.Helper()
	deadline := time.After(time.Minute)
	for !condition() {
		select {
		case <-deadline:
			require.FailNow(t, "waited in vain for "+what())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// pids returns the processes that a trainer noted with --pids, as they were
// when it was called.
func pids(t *testing.T, path string, count int) []process.Identity {
	t.Helper()
	until(t, func() bool { return strings.Count(content(path), "\n") >= count },
		func() string { return fmt.Sprintf("%d processes in %q", count, content(path)) })
	var all []process.Identity
	for _, line := range strings.Fields(content(path)) {
		var pid int
		_, err := fmt.Sscan(line, &pid)
		require.NoError(t, err)
		id, err := process.Find(pid)
		require.NoError(t, err, "process %d", pid)
		all = append(all, id)
	}
	return all
}

func touch(t *testing.T, path string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, nil, 0o600))
}
