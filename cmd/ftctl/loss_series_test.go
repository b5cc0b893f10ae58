package main

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

func TestTheLossScaleAsASeriesIsItsChanges(t *testing.T) {
	scale := func(step int64, v float64) api.Point {
		return api.Point{GlobalStep: step, Loss: 1, LossScale: api.Float(v).Ptr()}
	}
	points := []api.Point{scale(1, 65536), scale(2, 65536), {GlobalStep: 3}, scale(4, 32768), scale(5, 32768), scale(6, math.Inf(1))}
	for format, want := range map[string]string{
		"text": "STEP      LOSS_SCALE\n1         65536\n4         32768\n6         Infinity\n",
		"csv":  "global_step,loss_scale\n1,65536\n4,32768\n6,Infinity\n",
	} {
		var out strings.Builder
		require.NoError(t, writeSeries(&out, format, lossOptions{series: "loss_scale"}, points))
		require.Equal(t, want, out.String())
	}
	var out strings.Builder
	require.NoError(t, writeSeries(&out, "json", lossOptions{series: "loss_scale"}, points))
	require.Len(t, objects(t, out.String()), 3)
	out.Reset()
	require.NoError(t, writeSeries(&out, "text", lossOptions{series: "loss_scale", plot: true}, points))
	require.Contains(t, out.String(), "step 6")
	require.Contains(t, out.String(), "1 values are not finite")
	require.Len(t, seriesOf("lr", points), 0)
	require.Len(t, seriesOf("loss", points), 6)
}

func TestSeriesUsage(t *testing.T) {
	for _, args := range [][]string{{"--series", "x", "job"}, {"-f", "--series", "lr", "job"}} {
		_, talk, status := run(t, append([]string{"loss"}, args...)...)
		require.Equal(t, exitUsage, status, talk)
	}
}
