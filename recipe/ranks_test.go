package recipe

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/checkpoint"
	"ftd/launcher"
)

// workerPID is the process of a rank that msrun has started in a run.
func workerPID(t *testing.T, dir string, rank int) int {
	t.Helper()
	run, err := launcher.Open(dir)
	require.NoError(t, err)
	environs, err := filepath.Glob("/proc/[0-9]*/environ")
	require.NoError(t, err)
	for _, path := range environs {
		text, _ := os.ReadFile(path)
		entries := strings.Split(string(text), "\x00")
		if slices.Contains(entries, "FTD_RUN_TOKEN="+run.Spec().Token) && slices.Contains(entries, "MS_ROLE=MS_WORKER") &&
			slices.Contains(entries, "MS_NODE_ID="+strconv.Itoa(rank)) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			require.NoError(t, err)
			return pid
		}
	}
	t.Fatalf("rank %d has no process", rank)
	return 0
}

// Two ranks of the real mindformers: one is killed, both go on from the newest
// checkpoint that both have saved, and end on request after the same step.
func TestTwoRanksOfMindformersGoOnAndEndOnRequest(t *testing.T) {
	mindspore(t)
	t.Parallel()
	h := newHost(t)
	r, err := Load("tiny-llama")
	require.NoError(t, err)
	for i := range r.Steps {
		with := r.Steps[i].With
		switch r.Steps[i].ID {
		case "config":
			with["set"].(map[string]any)["use_parallel"] = true
		case "train":
			with["workers"], with["restart"], with["stop"] = int64(2), quick(1), map[string]any{"graceful": "5m"}
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	j := job(h, r, map[string]string{"epochs": "1000", "save_every": "4"})
	go func() { done <- Run(ctx, j, h, h.settings()) }()
	reached := func(what string, condition func() bool) {
		t.Helper()
		require.Eventually(t, func() bool {
			select {
			case err := <-done:
				require.NoError(t, err)
				require.Fail(t, "it has ended")
			default:
			}
			return condition()
		}, 5*time.Minute, 20*time.Millisecond, what)
	}
	t.Cleanup(func() { // of a test that has failed
		for _, a := range h.attempts["train"] {
			if run, err := launcher.Open(a.Dir); err == nil {
				_, _ = run.Stop(context.Background(), launcher.Kill(), nil)
			}
		}
	})
	reached("a checkpoint of both", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.verdicts) >= 2
	})
	first := h.attempt("train").Dir
	require.NoError(t, syscall.Kill(workerPID(t, first, 1), syscall.SIGKILL))
	reached("another attempt", func() bool { return h.attempt("train").Number == 2 })
	second := h.attempt("train").Dir
	stepsIn := func(rank int) (steps []string) {
		text, _ := os.ReadFile(filepath.Join(second, "rank_"+strconv.Itoa(rank)+".log"))
		for line := range strings.Lines(string(text)) {
			if _, after, ok := strings.Cut(line, "- { Epoch:["); ok {
				epoch, rest, _ := strings.Cut(after, "/")
				_, step, _ := strings.Cut(rest, "step:[")
				step, _, _ = strings.Cut(step, "/")
				steps = append(steps, strings.TrimSpace(epoch)+"_"+strings.TrimSpace(step))
			}
		}
		return steps
	}
	reached("steps of both", func() bool { return len(stepsIn(0)) > 2 && len(stepsIn(1)) > 2 })
	cancel(ErrStop)
	require.ErrorIs(t, <-done, ErrStop)

	require.Equal(t, "SIGKILL", h.attempts["train"][0].exit.Signal)
	require.Zero(t, h.attempt("train").exit.Code)
	require.NotContains(t, h.output, "stopping the training: SIGINT")
	require.Equal(t, stepsIn(0), stepsIn(1), "they end after the same step")
	before, err := checkpoint.Sets(t.Context(), filepath.Join(first, "output"), 2, checkpoint.Options{})
	require.NoError(t, err)
	complete := slices.IndexFunc(before, func(s checkpoint.Set) bool { return s.Complete })
	require.GreaterOrEqual(t, complete, 0)
	require.Contains(t, h.output, "going on after step "+strconv.FormatInt(*before[complete].Step, 10)+": "+filepath.Join(second, resumeDir))
	after, err := checkpoint.Sets(t.Context(), filepath.Join(second, "output"), 2, checkpoint.Options{})
	require.NoError(t, err)
	require.True(t, after[0].Complete, after[0].Reason)
	require.Equal(t, *before[complete].Step+int64(len(stepsIn(0))), *after[0].Step, "no step is left out, none is done twice")
}
