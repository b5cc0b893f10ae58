package launcher

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What tells a compile that is slow from a training that hangs.
func TestVitals(t *testing.T) {
	vitals := func(run *Run) Vitals {
		v, err := run.Vitals()
		require.NoError(t, err)
		return v
	}
	works := launch(t, training(t, "--steps", "9", "--spin-at", "2", "--workers", "1"))
	hangs := launch(t, training(t, "--steps", "9", "--hang-at", "2", "--workers", "1"))
	logged(t, works, "step:[    1/")
	logged(t, hangs, "step:[    1/")
	before, begun := vitals(hangs), vitals(works)
	require.Equal(t, 2, before.Processes)
	until(t, func() bool { return vitals(works).CPU > begun.CPU+300*time.Millisecond }, func() string { return "its use of the processor" })
	require.Less(t, vitals(hangs).CPU, before.CPU+200*time.Millisecond)

	require.NoError(t, child(hangs.Shim()).Signal(syscall.SIGSTOP))
	until(t, func() bool { return vitals(hangs).Suspended == 1 }, func() string { return "its suspension" })
}
