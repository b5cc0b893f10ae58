package launcher

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// job is what a daemon process is told to do: launch each run that is not
// there yet, and follow it into a journal.
type job struct {
	Shim string
	Runs []jobRun
}

type jobRun struct {
	Dir, Journal string
	Spec         Spec
}

// daemonMain is the daemon of the tests: this very binary, started again. It
// is killed with SIGKILL, so there is nothing to clean up.
func daemonMain(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var j job
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	var all errgroup.Group
	for _, r := range j.Runs {
		all.Go(func() error { return r.carryOut(j.Shim) })
	}
	return all.Wait()
}

func (r jobRun) carryOut(shim string) error {
	ctx := context.Background()
	run, err := Open(r.Dir)
	var st Status
	if err == nil {
		st, err = run.Status()
	}
	// A daemon that died before it could start anything starts it now. In a
	// real one this is a new attempt with a directory of its own.
	if err != nil || st.Unstarted {
		if run, err = Launch(ctx, r.Dir, r.Spec, shim); err != nil {
			return err
		}
	}
	journal, err := openJournal(r.Journal)
	if err != nil {
		return err
	}
	return run.Follow(ctx, journal)
}

// daemon is a daemon process of the tests.
type daemon struct{ cmd *exec.Cmd }

func startDaemon(t *testing.T, j job) *daemon {
	t.Helper()
	data, err := json.Marshal(j)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "job.json")
	require.NoError(t, os.WriteFile(file, data, 0o600))
	d := &daemon{cmd: exec.Command(os.Args[0])}
	d.cmd.Env = append(os.Environ(), daemonVariable+"="+file)
	d.cmd.Stderr = os.Stderr
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, d.cmd.Start())
	t.Cleanup(d.kill)
	return d
}

// kill kills the daemon and its process group with SIGKILL.
func (d *daemon) kill() {
	_ = syscall.Kill(-d.cmd.Process.Pid, syscall.SIGKILL)
	_ = d.cmd.Wait()
}

func newJob(t *testing.T, specs ...Spec) job {
	t.Helper()
	j := job{Shim: tools.shim}
	for i, spec := range specs {
		j.Runs = append(j.Runs, jobRun{Dir: t.TempDir(), Journal: filepath.Join(t.TempDir(), "journal"), Spec: spec})
		j.Runs[i].Spec.Run += fmt.Sprint("/", i)
	}
	t.Cleanup(func() {
		for _, r := range j.Runs {
			if run, err := Open(r.Dir); err == nil {
				sweep(t, run)
			}
		}
	})
	return j
}

func TestDaemonKilledAndTrainingAdopted(t *testing.T) {
	spec := training(t, "--steps", "200", "--step-ms", "20", "--save-every", "60", "--status", "7")
	spec.Checkpoints = []string{"output"}
	j := newJob(t, spec)
	d := startDaemon(t, j)
	journal := j.Runs[0].Journal
	until(t, func() bool { s, err := openJournal(journal); return err == nil && len(s.stored.Steps) > 5 },
		func() string { return "the first steps" })
	d.kill()

	run, err := Open(j.Runs[0].Dir)
	require.NoError(t, err)
	st, err := run.Status()
	require.NoError(t, err)
	require.Equal(t, StateRunning, st.State)

	o, err := openJournal(journal)
	require.NoError(t, err)
	before := len(o.stored.Steps)
	require.Less(t, before, 200)
	require.NoError(t, run.Follow(t.Context(), o))
	st = wait(t, run)
	require.Equal(t, 7, st.Exit.Code)
	stepsOnce(t, o.now(), 1, 200)
	require.Len(t, o.now().Checkpoints, 3)
}

// chaos kills the daemon at random moments while some trainings run.
func chaos(t *testing.T, kills int) {
	var specs []Spec
	statuses := []int{0, 1, 7, 137, 0}
	steps := kills * 15
	for i, format := range []string{"0.6", "0.8", "1.6", "1.6", "0.8"} {
		args := []string{"--format", format, "--steps", itoa(steps), "--step-ms", "10", "--save-every", itoa(steps / 3)}
		switch i {
		case 1:
			args = append(args, "--crash-at", itoa(steps))
		case 2:
			args = append(args, "--status", "7", "--workers", "1", "--torn")
		case 3:
			args = append(args, "--kill-at", itoa(steps))
		case 4:
			args = append(args, "--carriage-returns", "--long-line", "300000")
		}
		spec := training(t, args...)
		spec.Checkpoints = []string{"output"}
		specs = append(specs, spec)
	}
	j := newJob(t, specs...)
	for range kills {
		d := startDaemon(t, j)
		// Any moment: before the launch, in the middle of it, while it reads.
		<-time.After(time.Duration(rand.IntN(250)) * time.Millisecond)
		d.kill()
	}
	last := startDaemon(t, j)
	require.NoError(t, last.cmd.Wait())

	for i, r := range j.Runs {
		run, err := Open(r.Dir)
		require.NoError(t, err)
		st, err := run.Status()
		require.NoError(t, err)
		require.Equal(t, StateExited, st.State)
		require.Equal(t, statuses[i], st.Exit.Code)
		o, err := openJournal(r.Journal)
		require.NoError(t, err)
		end, saved := int64(steps), 3
		if i == 1 || i == 3 {
			end, saved = end-1, 2
		}
		stepsOnce(t, o.now(), 1, end)
		require.Len(t, o.now().Checkpoints, saved)
	}
}

func TestChaosInShort(t *testing.T) {
	kills := 6
	if n := os.Getenv("FTD_CHAOS_KILLS"); n != "" {
		kills = atoi(n)
	}
	chaos(t, kills)
}
