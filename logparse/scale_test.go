package logparse

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEachChangeOfTheLossScaleIsTold(t *testing.T) {
	var s Summary
	add := func(step int64, v Number) {
		s.Add(&Record{Kind: KindStep, Step: Step{Epoch: 1, Step: step, Total: 10000, LossScale: v}})
	}
	add(1, Number{65536, true})
	add(2, Number{65536, true})
	add(3, Number{}) // unavailable
	add(4, Number{32768, true})
	newest, all := s.ScaleChanges()
	require.Equal(t, []ScaleChange{{1, 65536}, {4, 32768}}, newest)
	require.EqualValues(t, 2, all)
	for step := range int64(1000) {
		add(5+step, Number{float64(step), true})
	}
	newest, all = s.ScaleChanges()
	require.Len(t, newest, maxScaleChanges)
	require.Equal(t, ScaleChange{1004, 999}, newest[maxScaleChanges-1])
	require.EqualValues(t, 1002, all)
}
