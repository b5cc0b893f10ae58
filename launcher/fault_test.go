package launcher

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// slowDisk mounts a filesystem of its own, and returns how its writes are made
// to wait, and to go on: nothing that writes gets any further in between, nor
// does a signal reach it. Reading goes on.
func slowDisk(t *testing.T) (dir string, wait, goOn func()) {
	t.Helper()
	image := filepath.Join(t.TempDir(), "image")
	dir = filepath.Join(t.TempDir(), "disk")
	require.NoError(t, os.Mkdir(dir, 0o700))
	run := func(command ...string) ([]byte, error) {
		return exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput()
	}
	f, err := os.Create(image)
	require.NoError(t, err)
	require.NoError(t, f.Truncate(32<<20))
	require.NoError(t, f.Close())
	for _, command := range [][]string{{"mkfs.ext4", "-q", image}, {"mount", "-o", "loop", image, dir}} {
		if out, err := run(command...); err != nil {
			t.Skipf("needs the right to mount a filesystem: %v: %s", err, out)
		}
	}
	frozen := false
	freeze := func(flag string) {
		out, err := exec.Command("fsfreeze", flag, dir).CombinedOutput() //nolint:noctx // the test's context may be over
		require.NoError(t, err, string(out))
		frozen = flag == "-f"
	}
	goOn = func() {
		if frozen {
			freeze("-u")
		}
	}
	t.Cleanup(func() {
		goOn()
		out, err := exec.Command("umount", "--lazy", dir).CombinedOutput() //nolint:noctx // the test's context is over
		require.NoError(t, err, string(out))
	})
	return dir, func() { freeze("-f") }, goOn
}

// The disk of the logs and of the shim's files stops answering for a while.
func TestDiskThatHangs(t *testing.T) {
	disk, hang, goOn := slowDisk(t)
	dir := filepath.Join(disk, "run")
	require.NoError(t, os.Mkdir(dir, 0o700))
	run, err := Launch(t.Context(), dir, training(t, "--steps", "400", "--step-ms", "10", "--status", "7"), tools.shim)
	require.NoError(t, err)
	t.Cleanup(func() { goOn(); sweep(t, run) })
	o := memory()
	done := make(chan error, 1)
	go func() { done <- run.Follow(t.Context(), o) }()
	until(t, func() bool { return len(o.now().Steps) > 5 }, func() string { return "steps" })

	hang()
	until(t, func() bool { v, err := run.Vitals(); return err == nil && v.Stuck == 1 }, func() string { return "a process that hangs in the disk" })
	st, err := run.Status()
	require.NoError(t, err)
	require.Equal(t, StateRunning, st.State)
	goOn()
	require.NoError(t, <-done)
	require.Equal(t, 7, wait(t, run).Exit.Code)
	stepsOnce(t, o.now(), 1, 400)
}

// A process that hangs in the disk cannot be killed, which is said; it ends
// when the disk answers, and how it ended is on record.
func TestStopWhileTheDiskHangs(t *testing.T) {
	disk, hang, goOn := slowDisk(t)
	dir := filepath.Join(disk, "run")
	require.NoError(t, os.Mkdir(dir, 0o700))
	run, err := Launch(t.Context(), dir, training(t, "--steps", "100000"), tools.shim)
	require.NoError(t, err)
	t.Cleanup(func() { goOn(); sweep(t, run) })
	logged(t, run, "step:[    1/")
	hang()
	until(t, func() bool { v, err := run.Vitals(); return err == nil && v.Stuck == 1 }, func() string { return "a process that hangs in the disk" })
	ladder := Kill()
	ladder[0].Grace = 300 * time.Millisecond
	_, err = run.Stop(t.Context(), ladder, nil)
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, CodeNotStopped, e.Code)
	require.Contains(t, e.Message, "state D")
	goOn()
	require.Equal(t, "SIGKILL", wait(t, run).Exit.Signal)
}

// A training whose clocks are a day ahead of those of everybody else is
// launched, adopted and stopped as any other.
func TestClocksThatDiffer(t *testing.T) {
	day := "86400"
	inside := []string{"unshare", "--time", "--monotonic", day, "--boottime", day}
	if out, err := exec.CommandContext(t.Context(), inside[0], append(inside[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("needs time namespaces: %v: %s", err, out)
	}
	spec := training(t, "--steps", "100000", "--workers", "1")
	spec.Command = append(inside, spec.Command...)
	run := launch(t, spec)
	logged(t, run, "step:[    1/")
	adopted, err := Open(run.Dir())
	require.NoError(t, err)
	st, err := adopted.Status()
	require.NoError(t, err)
	require.Equal(t, StateRunning, st.State)
	require.False(t, st.Ending)
	st, err = adopted.Stop(t.Context(), DefaultLadder(), nil)
	require.NoError(t, err)
	require.Equal(t, StateExited, st.State)
}

// The loader would complain of a library for another machine with each program
// that is started; it never gets to see it.
func TestPreloadOfAnotherMachine(t *testing.T) {
	foreign := elf.EM_AARCH64
	if native(t) == foreign {
		foreign = elf.EM_X86_64
	}
	lib := library(t, filepath.Join(t.TempDir(), "libgomp.so.1"), foreign)
	env, err := BuildEnvironment(t.Context(), EnvRequest{Start: append(os.Environ(), "LD_PRELOAD="+lib)})
	require.NoError(t, err)
	require.Contains(t, strings.Join(env.Warnings, "\n"), lib+" is not a library for this machine")
	spec := command(t, "sh", "-c", "true; echo trained")
	spec.Env = env.Environ()
	run := launch(t, spec)
	require.Zero(t, wait(t, run).Exit.Code)
	require.Equal(t, "trained\n", content(run.Log()))
}
