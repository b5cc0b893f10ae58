package recipe

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/launcher/watchdog"
)

// A training whose shim is killed is told of while it goes on, and is no
// success at its end.
func TestATrainingThatLosesItsShimIsToldOf(t *testing.T) {
	h := newHost(t)
	j := training(t, h, trainer(t, h, "--steps", "400", "--step-ms", "10")...)
	done := make(chan error, 1)
	go func() { done <- Run(t.Context(), j, h, h.settings()) }()
	eventually(t, "steps", func() bool { return len(h.stepsOf(0)) > 2 })
	require.NoError(t, syscall.Kill(h.attempt("train").shim.PID, syscall.SIGKILL))
	var p *Problem
	require.ErrorAs(t, <-done, &p)
	require.Equal(t, CodeTrainingLost, p.Code)
	require.Len(t, h.stepsOf(0), 400, "it was followed to its end")
	require.Len(t, h.alarms, 1)
	a := h.alarms[0]
	require.Equal(t, Orphan, a.Watchdog)
	require.Equal(t, watchdog.Notify, a.Action)
	require.False(t, a.Error)
	require.Contains(t, a.Message, "its shim was killed; it goes on")
}
