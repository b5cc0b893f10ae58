package recipe

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/launcher/watchdog"
	"ftd/logparse"
)

// After a while without a word a guard that recalled the end of a log says what
// one says that recalled all of it.
func TestTheEndOfALogIsEnoughToRecall(t *testing.T) {
	logs, err := filepath.Glob("../testdata/logs/*.log")
	require.NoError(t, err)
	require.NotEmpty(t, logs)
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	judged := func(recall func(g *watchdog.Guard)) (found []watchdog.Verdict) {
		g := watchdog.New(watchdog.Defaults(), now, false)
		recall(g)
		g.Recalled(now)
		for later := now; later.Before(now.Add(5 * time.Hour)); later = later.Add(30 * time.Second) {
			found = append(found, g.Look(watchdog.Signs{Log: 1, CPU: 1}, later)...)
		}
		return found
	}
	stalls := 0
	for _, path := range logs {
		all := judged(func(g *watchdog.Guard) {
			_ = logparse.ReadFile(t.Context(), path, func(r *logparse.Record) { g.Recall(0, r) })
		})
		few := judged(func(g *watchdog.Guard) {
			for _, r := range recent(t.Context(), path, g.Remembers()) {
				g.Recall(0, &r)
			}
		})
		require.Equal(t, all, few, path)
		for _, v := range all {
			if v.Watchdog == watchdog.Stall {
				stalls++
			}
		}
	}
	require.NotZero(t, stalls)
}

func TestLittleIsReadOfALargeLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rank_0.log")
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	write := func(lines ...string) {
		_, err := f.WriteString(strings.Join(lines, "\n") + "\n")
		require.NoError(t, err)
	}
	step := func(n int) string {
		return fmt.Sprintf("2026-01-01 00:00:00,000 - mindformers./output/log[mindformers/core/callback/callback.py:494] - INFO - "+
			"{ Epoch:[  1/  1], step:[%5d/99999], loss:[7.000/7.000], per_step_time: 20ms, lr: 1e-4, overflow cond: False, loss_scale: 1.0", n)
	}
	steps := func(want int) (numbers []int64) {
		for _, r := range recent(t.Context(), path, want) {
			if r.Kind == logparse.KindStep {
				numbers = append(numbers, r.Step.Step)
			}
		}
		return numbers
	}
	// A terabyte of what was before is not looked at, not even as a hole.
	_, err = f.Seek(1<<40, 0)
	if err != nil {
		t.Skipf("the filesystem has no such files: %v", err)
	}
	for n := 1; n <= 100; n++ {
		write(step(n))
	}
	require.Equal(t, []int64{98, 99, 100}, steps(3))
	// Steps are far between: more of the log is read until there are enough.
	write(strings.Repeat("a line that says nothing of the training\n", 2*recallFirst/40))
	require.Equal(t, []int64{98, 99, 100}, steps(3))
	end, whole := endOf(f, recallFirst)
	require.False(t, whole)
	_, found := newest(t.Context(), end, 3)
	require.Zero(t, found)

	over, cancel := context.WithCancel(t.Context())
	cancel()
	require.Empty(t, recent(over, path, 3))
	require.Empty(t, recent(t.Context(), path+".gone", 3))
}
