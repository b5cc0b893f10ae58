package engine

import (
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"ftd/launcher/watchdog"
	"ftd/recipe"
)

func TestWhatAWatchdogFoundIsKeptAndCounted(t *testing.T) {
	e := opened(t, t.TempDir(), &calls{})
	h := &host{Engine: e, job: "job", log: zerolog.Nop()}
	since := time.Now().Add(-time.Hour)
	for _, attempt := range []string{"fine.tune.1", "fine.tune.2"} {
		require.NoError(t, h.Alarm(t.Context(), attempt, recipe.Alarm{
			Verdict: watchdog.Verdict{Watchdog: watchdog.Stall, Since: since, Message: "no step for an hour",
				Evidence: watchdog.Evidence{Rank: 3, Step: 41, Moved: "cpu", CPUSeconds: 2, LogSeconds: 3600}},
			Action: watchdog.Dump, Dump: "/runs/dump-1.tar.gz",
		}))
	}
	require.NoError(t, h.Alarm(t.Context(), "fine.tune.2", recipe.Alarm{
		Verdict: watchdog.Verdict{Watchdog: watchdog.NonFinite, Error: true, Evidence: watchdog.Evidence{Loss: "NaN", Steps: 3}}, Action: watchdog.Notify}))

	alarms, err := e.Journal.Alarms(t.Context(), "job")
	require.NoError(t, err)
	require.Len(t, alarms, 3)
	a := alarms[0]
	require.Equal(t, "stall", a.Watchdog)
	require.Equal(t, "fine.tune.1", a.Attempt)
	require.WithinDuration(t, since, a.Since, 0)
	require.Equal(t, "/runs/dump-1.tar.gz", a.Dump)
	require.Equal(t, map[string]any{"rank": 3.0, "step": 41.0, "moved": "cpu", "cpu_seconds": 2.0, "log_seconds": 3600.0}, a.Evidence)
	require.Equal(t, "NaN", alarms[2].Evidence["loss"])

	events := pages(t, e, "job")
	require.Equal(t, "fine.tune", events[0].Step)
	require.Equal(t, 3, events[0].Rank)
	trainings := e.Trainings()
	require.Len(t, trainings, 1)
	require.Equal(t, map[string]uint64{"stall": 2, "nonfinite": 1}, trainings[0].Alarms, "over all attempts")
}
