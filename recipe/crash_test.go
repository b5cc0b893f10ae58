package recipe

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/launcher"
	"ftd/launcher/watchdog"
)

// What a crash leaves behind is deaf, and takes seconds to be ended.
func TestACrashIsToldOfBeforeItsRemainsAreGone(t *testing.T) {
	h := newHost(t)
	p := h.fails(training(t, h, trainer(t, h, "--steps", "9", "--step-ms", "1", "--kill-at", "5",
		"--workers", "2", "--leave", "--ignore", "SIGTERM")...))
	require.Contains(t, p.Message, "ended by SIGKILL")
	require.Len(t, h.alarms, 1)
	a := h.alarms[0]
	require.Equal(t, Crash, a.Watchdog)
	require.Equal(t, watchdog.Notify, a.Action)
	require.True(t, a.Error)
	require.Equal(t, "the training was ended by SIGKILL; what it has left behind is being ended (processes: 2)", a.Message)
	require.Equal(t, h.attempt("train").exit.Ended, a.Since)
}

func TestAStopIsNoCrash(t *testing.T) {
	h := newHost(t)
	j := training(t, h, trainer(t, h, "--steps", "100000", "--step-ms", "1", "--workers", "1", "--leave", "--ignore", "SIGTERM")...)
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, j, h, h.settings()) }()
	eventually(t, "steps", func() bool { return len(h.stepsOf(0)) > 2 })
	cancel(ErrStop)
	require.ErrorIs(t, <-done, ErrStop)
	require.Empty(t, h.alarms)
	require.FileExists(t, filepath.Join(h.attempt("train").Dir, "ended.json"), "its end did take time")
}

// Whoever takes a run over while it is cleaned up knows how it ended.
func TestTheEndOfTheCommandIsKnownFirst(t *testing.T) {
	h := newHost(t)
	h.fails(training(t, h, trainer(t, h, "--steps", "2", "--step-ms", "1", "--crash-at", "2", "--workers", "1", "--leave")...))
	run, err := launcher.Open(h.attempt("train").Dir)
	require.NoError(t, err)
	exit, left, err := run.WaitCommand(t.Context())
	require.NoError(t, err)
	require.False(t, left, "it is over")
	require.Equal(t, 1, exit.Code)
}
