package launcher

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/launcher/process"
	"ftd/launcher/rundir"
)

// quick is a ladder for tests: the first rungs are given up soon, the last
// one has time on a busy machine.
func quick() Ladder {
	return Ladder{
		{Name: "SIGINT", Signal: syscall.SIGINT, Foreground: true, Grace: 300 * time.Millisecond},
		{Name: "SIGTERM", Signal: syscall.SIGTERM, Grace: 300 * time.Millisecond},
		{Name: "SIGKILL", Signal: syscall.SIGKILL, Grace: 30 * time.Second},
	}
}

func TestStopReachesEveryProcess(t *testing.T) {
	for _, c := range []struct {
		name  string
		args  []string
		rungs []string // that are tried
	}{
		{"obedient", nil, []string{"SIGINT"}},
		{"deaf to SIGINT", []string{"--ignore", "SIGINT"}, []string{"SIGINT", "SIGTERM"}},
		{"deaf", []string{"--ignore", "SIGINT", "--ignore", "SIGTERM"}, []string{"SIGINT", "SIGTERM", "SIGKILL"}},
	} {
		for _, cgroup := range []string{"", rundir.CgroupOff} {
			t.Run(c.name+cgroup, func(t *testing.T) {
				list := filepath.Join(t.TempDir(), "pids")
				spec := training(t, append(c.args, "--steps", "100000",
					"--workers", "2", "--helpers", "1", "--orphans", "1", "--leave", "--pids", list)...)
				spec.Cgroup = cgroup
				run := launch(t, spec)
				all := pids(t, list, 5)
				logged(t, run, "step:[    1/")

				ladder := quick()
				if len(c.rungs) < len(ladder) { // it must do; so give it time
					ladder[len(c.rungs)-1].Grace = time.Minute
				}
				var tried []string
				st, err := run.Stop(t.Context(), ladder, func(r Rung) { tried = append(tried, r.Name) })
				require.NoError(t, err)
				require.Equal(t, c.rungs, tried)
				require.Equal(t, StateExited, st.State)
				require.NotZero(t, st.Exit.Code)
				for _, id := range all {
					require.False(t, id.Alive(), "process %d is left", id.PID)
				}
				left, err := process.Marked(run.mark())
				require.NoError(t, err)
				require.Empty(t, left)
			})
		}
	}
}

func TestNoOrphanInManyTries(t *testing.T) {
	tries := 10
	if testing.Short() {
		tries = 3
	}
	for i := range tries {
		list := filepath.Join(t.TempDir(), "pids")
		spec := training(t, "--steps", "100000", "--step-ms", "0", "--fork-every-step",
			"--workers", "1", "--orphans", "1", "--ignore", "SIGINT", "--ignore", "SIGTERM", "--pids", list)
		if i%2 == 0 {
			spec.Cgroup = rundir.CgroupOff
		}
		run := launch(t, spec)
		all := pids(t, list, 3)
		st, err := run.Stop(t.Context(), Ladder{{Name: "SIGKILL", Signal: syscall.SIGKILL, Grace: time.Minute}}, nil)
		require.NoError(t, err)
		require.Equal(t, "SIGKILL", st.Exit.Signal)
		for _, id := range all {
			require.False(t, id.Alive(), "process %d is left", id.PID)
		}
	}
}

// What a command leaves behind keeps the card; the shim ends it.
func TestLeftBehind(t *testing.T) {
	for _, c := range []struct {
		name   string
		linger float64
		args   []string
		code   int
	}{
		{"after success", 0.01, nil, 0},
		{"after failure", -1, []string{"--status", "3"}, 3},
		{"after success, deaf", 0.01, []string{"--ignore", "SIGTERM"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			list := filepath.Join(t.TempDir(), "pids")
			spec := training(t, append(c.args, "--steps", "2", "--workers", "2", "--leave", "--pids", list)...)
			spec.Linger = c.linger
			run := launch(t, spec)
			st := wait(t, run)
			require.Equal(t, c.code, st.Exit.Code)
			require.Equal(t, 2, st.Exit.Leftovers)
			left, err := process.Marked(run.mark())
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

// A launcher script that does not wait for its workers is followed until they
// end, if it is told to.
func TestLingerForEver(t *testing.T) {
	done := filepath.Join(t.TempDir(), "done")
	spec := command(t, "sh", "-c", `(while [ ! -e "$0" ]; do sleep 0.01; done; echo worker ended) & echo started`, done)
	spec.Linger = -1
	run := launch(t, spec)
	until(t, func() bool { st, err := run.Status(); return err == nil && st.Ending }, func() string { return "the end of the script" })
	require.NoFileExists(t, filepath.Join(run.Dir(), "exit.json"))
	touch(t, done)
	st := wait(t, run)
	require.Equal(t, 0, st.Exit.Code)
	require.Equal(t, 0, st.Exit.Leftovers)
	require.Contains(t, content(run.Log()), "worker ended")
}

func TestSuspendedTrainingIsStopped(t *testing.T) {
	run := launch(t, training(t, "--steps", "100000"))
	logged(t, run, "step:[    1/")
	require.NoError(t, child(run.Shim()).Signal(syscall.SIGSTOP))
	ladder := quick()
	ladder[0].Grace = time.Minute
	st, err := run.Stop(t.Context(), ladder, nil)
	require.NoError(t, err)
	require.Equal(t, "SIGINT", st.Exit.Signal)
}

func TestShimPassesSignalsOn(t *testing.T) {
	list := filepath.Join(t.TempDir(), "pids")
	run := launch(t, training(t, "--steps", "100000", "--workers", "1", "--pids", list))
	all := pids(t, list, 2)
	require.NoError(t, holder(run.Shim()).Signal(syscall.SIGHUP))
	require.NoError(t, holder(run.Shim()).Signal(syscall.SIGTERM))
	st := wait(t, run)
	require.Equal(t, StateExited, st.State)
	require.Equal(t, "SIGTERM", st.Exit.Signal)
	for _, id := range all {
		require.False(t, id.Alive())
	}
}

func TestStopOfWhatIsOver(t *testing.T) {
	run := launch(t, command(t, "true"))
	wait(t, run)
	st, err := run.Stop(t.Context(), DefaultLadder(), func(Rung) { t.Error("nothing to try") })
	require.NoError(t, err)
	require.Equal(t, StateExited, st.State)
}

// With a cgroup even a process is found that has neither parent nor
// environment of the run any more.
func TestCgroupHoldsWhatHasNothingElse(t *testing.T) {
	if process.OwnCgroup() == "" {
		t.Skip("needs a cgroup v2 that is delegated to this user")
	}
	list := filepath.Join(t.TempDir(), "pids")
	run := launch(t, training(t, "--steps", "100000", "--orphans", "1", "--ignore", "SIGTERM", "--pids", list))
	require.NotEmpty(t, run.Shim().Cgroup)
	all := pids(t, list, 2)
	require.NoError(t, holder(run.Shim()).Signal(syscall.SIGKILL))
	require.NoError(t, child(run.Shim()).Signal(syscall.SIGKILL))
	until(t, func() bool { return !holder(run.Shim()).Alive() && !child(run.Shim()).Alive() },
		func() string { return "their death" })
	st, err := run.Status()
	require.NoError(t, err)
	require.Equal(t, StateOrphaned, st.State)
	st, err = run.Stop(t.Context(), quick(), nil)
	require.NoError(t, err)
	require.Equal(t, StateLost, st.State)
	require.False(t, all[1].Alive())
	require.NoDirExists(t, run.Shim().Cgroup)
}

func TestCgroupIsRemoved(t *testing.T) {
	if process.OwnCgroup() == "" {
		t.Skip("needs a cgroup v2 that is delegated to this user")
	}
	run := launch(t, command(t, "sleep", "0.01"))
	cgroup := run.Shim().Cgroup
	require.Contains(t, cgroup, run.Spec().Token)
	wait(t, run)
	require.NoDirExists(t, cgroup)
}
