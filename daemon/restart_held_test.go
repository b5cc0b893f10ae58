package daemon

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// A daemon that cannot store anything does not feed systemd's watchdog, and a
// restart that cannot put all away is a restart all the same. It takes as long
// as SQLite waits for a lock.
func TestAJournalThatIsHeldIsNoEndOfTheDaemon(t *testing.T) {
	t.Parallel()
	h, m := newHouse(t), newManager(t)
	h.again(m)
	m.hears("WATCHDOG=1")
	job := h.train("--steps", "100000", "--step-ms", "10")
	h.until(job.ID, hasPoints)
	release := h.holdJournal(job.ID)
	for len(m.said) > 0 {
		<-m.said
	}
	require.Eventually(t, func() bool { return strings.Contains(h.said(), "the journal does not answer") }, waitLong, waitTick)
	for len(m.said) > 0 {
		require.NotContains(t, <-m.said, "WATCHDOG")
	}
	pid := h.daemon.Process.Pid
	require.NoError(t, h.Restart(t.Context()))
	require.Eventually(t, func() bool { return strings.Contains(h.said(), "not all was put away") }, waitLong, waitTick)
	release()
	m.hears("WATCHDOG=1")
	require.Equal(t, pid, h.version().PID)
	require.Equal(t, api.StateRunning, h.job(job.ID).State)
	h.until(job.ID, hasPoints)
	h.points(job.ID)
}
