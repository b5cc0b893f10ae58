package main

import (
	"math"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/stretchr/testify/require"

	"ftd/api"
)

func TestTimesInHumanWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second:                  "0 s",
		400 * time.Millisecond:        "0.4 s",
		9990 * time.Millisecond:       "10.0 s",
		41 * time.Second:              "41 s",
		200 * time.Second:             "3 min 20 s",
		2*time.Hour + 5*time.Minute:   "2 h 05 min",
		49*time.Hour + 10*time.Minute: "2 d 1 h",
	} {
		require.Equal(t, want, took(d))
	}
	for d, want := range map[time.Duration]string{
		-time.Second:                         "00:00",
		7 * time.Second:                      "00:07",
		3*time.Minute + 999*time.Millisecond: "03:00",
		time.Hour + 2*time.Minute + 3e9:      "1:02:03",
	} {
		require.Equal(t, want, clock(d))
	}
	for s, want := range map[float64]string{
		1.798: "0:02", 0: "0:00", -3: "0:00", 754: "12:34", 3723: "1:02:03", math.Inf(1): "?", math.NaN(): "?",
	} {
		require.Equal(t, want, left(s))
	}
	require.Equal(t, "-", ago(nil, noon))
	require.Equal(t, "3 minutes ago", ago(at(-3*time.Minute), noon))
}

func TestNumbersAsPeopleCompareThem(t *testing.T) {
	for want, v := range map[string]float64{
		"5.312": 5.3124, "0": 0, "9.9e-06": 9.9e-6, "262144.000": 262144, "NaN": math.NaN(),
		"Infinity": math.Inf(1), "-Infinity": math.Inf(-1), "1.235e+09": 1234567890, "-0.500": -0.5,
	} {
		require.Equal(t, want, number(api.Float(v)))
	}
	require.Equal(t, "-", setting(nil))
	require.Equal(t, "262144", setting(api.Float(262144).Ptr()))
	require.Equal(t, "9.92268e-06", setting(api.Float(9.92268e-6).Ptr()))
	require.Equal(t, "NaN", setting(api.Float(math.NaN()).Ptr()))
}

func TestALineFitsItsColumns(t *testing.T) {
	for _, text := range []string{"short", "a line that is longer than that", "模型编译中，请稍候片刻", "two\nlines\tand a tab"} {
		for columns := range 30 {
			fitted := fit(text, columns)
			require.LessOrEqual(t, runewidth.StringWidth(fitted), columns)
			require.NotContains(t, fitted, "\n")
		}
	}
	require.Empty(t, fit("x", -1))
}

func TestShortIDsTellTheListedJobsApart(t *testing.T) {
	require.Equal(t, 10, shortIDs(nil))
	require.Equal(t, 10, shortIDs([]api.Job{{ID: "01k9XQ4T8M2V7B"}}))
	require.Equal(t, 13, shortIDs([]api.Job{{ID: "01k9XQ4T8M2V7B"}, {ID: "01AAAAAAAAAAAA"}, {ID: "01k9XQ4T8M2VXX"}}))
}

// A Chinese locale makes no sign of a picture wider: half of each line of it was
// cut off in ftctl watch.
func TestAPictureIsAsWideInAChineseLocale(t *testing.T) {
	was := *runewidth.DefaultCondition
	t.Cleanup(func() { *runewidth.DefaultCondition = was })
	*runewidth.DefaultCondition = runewidth.Condition{EastAsianWidth: true}
	const picture = " 2.9 ┤╰──╮"
	require.Equal(t, picture, fit(picture, 10))
	require.Equal(t, []string{picture}, wrap(picture, 10))
	require.Equal(t, picture+"  ", pad(picture, 12))
	require.Equal(t, "训…", fit("训练中", 4))
}
