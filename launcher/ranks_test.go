package launcher

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func stepsOf(s stored, rank int) []int64 {
	var steps []int64
	for _, k := range s.Steps {
		if k.Rank == rank {
			steps = append(steps, k.Step)
		}
	}
	return steps
}

func TestLogsOfRanks(t *testing.T) {
	spec := training(t, "--ranks", "2", "--steps", "5", "--step-ms", "1")
	spec.RankLogs = "msrun_log/worker_*.log"
	run := launch(t, spec)
	o := memory()
	require.NoError(t, run.Follow(t.Context(), o))
	require.Equal(t, 0, wait(t, run).Exit.Code, content(run.Log()))
	for rank := range 2 {
		require.Equal(t, []int64{1, 2, 3, 4, 5}, stepsOf(o.now(), rank))
	}
	require.Empty(t, stepsOf(o.now(), LauncherRank))
}

func TestWorkerKilled(t *testing.T) {
	spec := training(t, "--ranks", "2", "--lame", "1", "--kill-at", "4", "--steps", "100000")
	spec.RankLogs = "msrun_log/worker_*.log"
	run := launch(t, spec)
	o := memory()
	require.NoError(t, run.Follow(t.Context(), o))
	require.Equal(t, 1, wait(t, run).Exit.Code)
	require.Equal(t, []int64{1, 2, 3}, stepsOf(o.now(), 1))
	require.Contains(t, o.now().Problems, "worker-failed")
}

// As the real one: SIGINT ends all workers, and the status is 0.
func TestStopOfALauncher(t *testing.T) {
	spec := training(t, "--ranks", "2", "--steps", "100000")
	run := launch(t, spec)
	worker := filepath.Join(spec.Dir, "msrun_log", "worker_1.log")
	until(t, func() bool { return len(content(worker)) > 1000 }, func() string { return "steps of worker 1" })
	ladder := DefaultLadder()
	st, err := run.Stop(t.Context(), ladder, func(r Rung) { require.Equal(t, ladder[0], r) })
	require.NoError(t, err)
	require.Equal(t, 0, st.Exit.Code)
	require.Zero(t, st.Exit.Leftovers)
}

func TestTwoLogsOfOneRank(t *testing.T) {
	spec := command(t, "sleep", "0.1")
	spec.RankLogs = "*.log"
	for _, name := range []string{"worker_0.log", "other_0.log", "scheduler.log"} {
		require.NoError(t, os.WriteFile(filepath.Join(spec.Dir, name), nil, 0o600))
	}
	var warnings []string
	run := launch(t, spec)
	require.NoError(t, run.Follow(t.Context(), memory(), WithWarn(func(err error) { warnings = append(warnings, err.Error()) })))
	require.Len(t, warnings, 1)
	require.Contains(t, warnings[0], "worker_0.log is not read")
}

// A directory may be called what means something in a pattern.
func TestLogsOfRanksBelowAnyDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state [1]*", "msrun_log")
	run := &Run{spec: Spec{Dir: "/", RankLogs: filepath.Join(dir, "worker_*.log")}}
	require.Empty(t, run.rankLogs(), "it is not there yet")
	require.NoError(t, os.MkdirAll(dir, 0o700))
	var want []string
	for _, name := range []string{"worker_0.log", "worker_1.log"} {
		want = append(want, filepath.Join(dir, name))
	}
	for _, path := range append(want, filepath.Join(dir, "scheduler.log")) {
		require.NoError(t, os.WriteFile(path, nil, 0o600))
	}
	require.Equal(t, want, run.rankLogs())
	require.Equal(t, filepath.Join(dir, "scheduler.log"), run.SchedulerLog())
	run.spec.RankLogs = filepath.Join(dir, "worker_[.log")
	_, err := run.findRankLogs()
	require.ErrorIs(t, err, filepath.ErrBadPattern)
}

func TestRankOf(t *testing.T) {
	for name, want := range map[string]int{"worker_7.log": 7, "a/10.0.0.1_worker_12.log": 12, "rank_3/info.log": -1, "scheduler.log": -1} {
		rank, ok := rankOf(name)
		if want < 0 {
			require.False(t, ok, name)
			continue
		}
		require.True(t, ok)
		require.Equal(t, want, rank)
	}
}
