package launcher

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

// Trees with children in sessions of their own, with grandchildren whose parent
// has ended (a double fork), that fork all the time, and that are stopped at
// any moment. FTD_STOP_TRIES is how often.
func TestNoOrphanInManyTries(t *testing.T) {
	tries := 10
	if n := os.Getenv("FTD_STOP_TRIES"); n != "" {
		tries = atoi(n)
	}
	for i := range tries {
		list := filepath.Join(t.TempDir(), "pids")
		args := []string{"--steps", "100000", "--step-ms", "0", "--fork-every-step", "--workers", "1", "--orphans", "1", "--helpers", "1", "--pids", list}
		ladder := Ladder{{Name: "SIGKILL", Signal: syscall.SIGKILL, Grace: time.Minute}}
		if i%3 != 0 { // two of three know no better than SIGKILL
			args = append(args, "--ignore", "SIGINT", "--ignore", "SIGTERM")
		} else {
			ladder = append(quick()[:2], ladder...)
		}
		spec := training(t, args...)
		if i%2 == 0 {
			spec.Cgroup = rundir.CgroupOff
		}
		run := launch(t, spec)
		if i%5 != 0 { // else in the middle of its start
			pids(t, list, 4)
		}
		st, err := run.Stop(t.Context(), ladder, nil)
		require.NoError(t, err)
		require.Equal(t, StateExited, st.State)
		require.NotZero(t, st.Exit.Code)
		requireGone(t, list)
	}
}

// requireGone asserts that none of the processes that a trainer noted is left,
// nor any that has its list among its arguments.
func requireGone(t *testing.T, list string) {
	t.Helper()
	all, err := process.List()
	require.NoError(t, err)
	noted := strings.Fields(content(list))
	for _, s := range all {
		command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", s.PID))
		if s.Zombie() {
			continue
		}
		require.NotContains(t, string(command), list, "process %d is left", s.PID)
		if slices.Contains(noted, itoa(s.PID)) { // unless another has its pid since
			require.NotContains(t, string(command), "time.sleep(3600)", "process %d is left", s.PID)
		}
	}
}

// A training that looks for the request saves and ends by itself; one that does
// not is interrupted after the grace.
func TestExitOnRequest(t *testing.T) {
	for _, c := range []struct {
		name  string
		args  []string
		grace time.Duration
		rungs []string
		code  int
	}{
		{"polite", []string{"--polite"}, time.Minute, []string{"exit request"}, 0},
		{"deaf to requests", nil, 200 * time.Millisecond, []string{"exit request", "SIGINT"}, 130},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := launch(t, training(t, append(c.args, "--steps", "100000")...))
			logged(t, run, "step:[    1/")
			var tried []string
			ladder := Graces{Graceful: c.grace, Interrupt: time.Minute}.Ladder()
			st, err := run.Stop(t.Context(), ladder, func(r Rung) { tried = append(tried, r.Name) })
			require.NoError(t, err)
			require.Equal(t, c.rungs, tried)
			require.Equal(t, c.code, st.Exit.Code)
			saved, err := filepath.Glob(filepath.Join(run.Spec().Dir, "output", "checkpoint", "rank_0", "*"))
			require.NoError(t, err)
			require.Len(t, saved, 1-c.code/130)
		})
	}
}

// A stop takes at most the sum of its graces, whatever the training does.
func TestGracesMakeALadder(t *testing.T) {
	require.Equal(t, []string{"SIGKILL"}, names(Kill()))
	require.Equal(t, []string{"SIGINT", "SIGTERM", "SIGKILL"}, names(DefaultLadder()))
	all := Graces{Graceful: time.Second, Interrupt: 2 * time.Second, Terminate: 3 * time.Second}.Ladder()
	require.Equal(t, []string{"exit request", "SIGINT", "SIGTERM", "SIGKILL"}, names(all))
	require.Equal(t, 6*time.Second+killGrace, all.Total())
}

func names(l Ladder) (all []string) {
	for _, r := range l {
		all = append(all, r.Name)
	}
	return all
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
