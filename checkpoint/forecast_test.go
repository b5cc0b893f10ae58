package checkpoint

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestForecast(t *testing.T) {
	const gb = 1_000_000_000
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	hour := time.Hour
	tests := []struct {
		name    string
		s       Saving
		free    int64
		needed  int64
		enough  bool
		saves   int64
		runsOut time.Time
		warning string
	}{
		{"room for all", Saving{Bytes: gb, Keep: 5, Left: -1}, 10 * gb, 6 * gb, true, -1, time.Time{}, ""},
		{"exactly", Saving{Bytes: gb, Keep: 5, Left: -1}, 6 * gb, 6 * gb, true, -1, time.Time{}, ""},
		{"a byte too little", Saving{Bytes: gb, Keep: 5, Left: -1, Every: hour}, 6*gb - 1, 6 * gb, false, 5, now.Add(6 * hour),
			"the disk will be full after 5 more checkpoints of 1.0 GB, about 2026-03-01 18:00"},
		{"those that are there count", Saving{Bytes: gb, Keep: 5, Present: 4, Left: -1}, 4 * gb, 2 * gb, true, -1, time.Time{}, ""},
		{"few are left", Saving{Bytes: gb, Keep: 5, Left: 2}, 3 * gb, 2 * gb, true, -1, time.Time{}, ""},
		{"all are kept", Saving{Bytes: gb, Left: -1, Every: hour}, 100 * gb, -1, false, 100, now.Add(101 * hour),
			"the disk will be full after 100 more checkpoints of 1.0 GB, about 2026-03-05 17:00"},
		{"all are kept, the end is known", Saving{Bytes: gb, Left: 10}, 10 * gb, 10 * gb, true, -1, time.Time{}, ""},
		{"logs grow too", Saving{Bytes: gb, Left: 10, Every: hour, LogsPerHour: gb}, 10 * gb, 10 * gb, false, 5, now.Add(6 * hour), "after 5 more"},
		{"no time known", Saving{Bytes: gb, Left: 10}, 5 * gb, 10 * gb, false, 5, time.Time{}, "after 5 more checkpoints of 1.0 GB: it has 5.0 GB free"},
		{"not even one", Saving{Bytes: gb, Keep: 5, Left: -1}, gb / 2, 6 * gb, false, 0, time.Time{}, "less than one checkpoint of 1.0 GB: the next save will fail"},
		{"less than two", Saving{Bytes: gb, Left: 1}, gb + 1, gb, true, -1, time.Time{}, "less than two checkpoints of 1.0 GB"},
		{"nothing is left to be saved", Saving{Bytes: gb, Left: 0}, 0, 0, true, -1, time.Time{}, ""},
		{"the size is not known", Saving{Left: -1}, gb, 0, true, -1, time.Time{}, ""},
		{"absurd", Saving{Bytes: math.MaxInt64, Keep: 1000, Left: -1, Every: hour}, math.MaxInt64, math.MaxInt64, false, 1, now.Add(2 * hour), "full"},
		{"negative", Saving{Bytes: gb, Keep: 1, Present: 10, Left: -1}, -5, gb, false, 0, time.Time{}, "less than one"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := Forecast(test.s, test.free, now)
			require.Equal(t, test.needed, o.Needed)
			require.Equal(t, test.enough, o.Enough)
			require.Equal(t, test.saves, o.Saves)
			require.Equal(t, test.runsOut, o.RunsOut)
			if test.warning == "" {
				require.Empty(t, o.Warning)
			} else {
				require.Contains(t, o.Warning, test.warning)
			}
		})
	}
}

func TestFreeSpace(t *testing.T) {
	n, err := FreeSpace(t.TempDir())
	require.NoError(t, err)
	require.Positive(t, n)
	_, err = FreeSpace("/nowhere/at/all")
	require.Error(t, err)
}
