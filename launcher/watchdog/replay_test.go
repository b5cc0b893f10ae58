package watchdog

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/logparse"
)

const samples = "../../testdata/logs"

// replay feeds a real log to a guard and returns what it found, and how many
// steps it had seen by then. Records that say no time come right after others.
func replay(t *testing.T, name string) (found []Verdict, steps []int) {
	t.Helper()
	return replayEvery(t, name, 1)
}

// replayEvery does so with a log that tells only of every so many steps, as one
// of a training with a dataset sink does.
func replayEvery(t *testing.T, name string, every int) (found []Verdict, steps []int) {
	t.Helper()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	guard := New(Defaults(), now, true)
	seen := 0
	require.NoError(t, logparse.ReadFile(context.Background(), filepath.Join(samples, name), func(r *logparse.Record) {
		if r.Kind == logparse.KindStep {
			if seen++; seen%every != 0 {
				return
			}
		}
		if !r.Time.IsZero() {
			now = r.Time
		}
		verdicts := guard.Record(0, r, now)
		verdicts = append(verdicts, guard.Look(Signs{Log: r.Offset}, now)...)
		for _, v := range verdicts {
			found, steps = append(found, v), append(steps, seen)
		}
	}))
	return found, steps
}

// These runs ended with status 0 and have learnt nothing.
var learntNothing = map[string]Name{
	"mf160-llama-diverged-lr1e30":            LossScale,
	"mf06-llama-lora-diverged-lr1e10-noclip": Flat,
	"mf08-llama-lora-diverged-lr1e10":        Flat,
	"mf06-llama-lora-overflow-lossscale":     Overflow,
	"mf06-llama-lora-vocab-mismatch-silent":  Weights,
	"mf08-llama-lora-download-failed-silent": Weights,
}

// The configs of mindformers have sink sizes of 2 and 4.
func TestFindsRunsThatLearnNothingByFewLines(t *testing.T) {
	for name := range learntNothing {
		for _, every := range []int{2, 4, 5, 8, 10} {
			found, steps := replayEvery(t, name+".log", every)
			require.NotEmpty(t, found, "%s, every %d", name, every)
			require.LessOrEqual(t, steps[0], 50, "%s, every %d", name, every)
			require.True(t, found[0].Error)
		}
	}
}

func TestFindsRunsThatLearnNothing(t *testing.T) {
	for name, want := range learntNothing {
		t.Run(name, func(t *testing.T) {
			found, steps := replay(t, name+".log")
			i := slices.IndexFunc(found, func(v Verdict) bool { return v.Watchdog == want })
			require.GreaterOrEqual(t, i, 0, "found %v", found)
			require.LessOrEqual(t, steps[i], 50)
			require.True(t, found[i].Error)
			require.NotEmpty(t, found[i].Message)
			require.False(t, found[i].Since.IsZero())
			for _, v := range found {
				require.True(t, v.Error, "and nothing that is beside the point: %v", v)
			}
		})
	}
}

func TestWeightsThatWereNotLoadedAreFoundBeforeTheFirstStep(t *testing.T) {
	for _, log := range []string{"mf06-llama-lora-vocab-mismatch-silent.log", "mf08-llama-lora-download-failed-silent.log"} {
		found, steps := replay(t, log)
		require.Equal(t, []int{0}, steps)
		require.NotEmpty(t, found[0].Remedy)
	}
}

// All other samples are healthy, or end by themselves with an error that they
// name: the watchdogs have nothing to add.
func TestSilentOnAllOthers(t *testing.T) {
	useless := []string{"diverged", "overflow-lossscale", "-silent"}
	logs, err := filepath.Glob(filepath.Join(samples, "*.log"))
	require.NoError(t, err)
	require.Greater(t, len(logs), 40)
	for _, path := range logs {
		name := filepath.Base(path)
		if slices.ContainsFunc(useless, func(word string) bool { return strings.Contains(name, word) }) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			for _, every := range []int{1, 2, 4, 10} {
				found, _ := replayEvery(t, name, every)
				require.Empty(t, found, "every %d", every)
			}
		})
	}
}
