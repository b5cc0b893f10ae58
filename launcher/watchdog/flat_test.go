package watchdog

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/logparse"
)

// printed is a loss as a release prints it.
func printed(loss, decimals float64) float64 {
	scale := math.Pow(10, decimals)
	return math.Round(loss*scale) / scale
}

// flatOf shows 1000 steps to a guard, and returns the step at which they were
// found to be flat, 0 for never. Other watchdogs are not looked at. The summary
// of such a log must say the same.
func flatOf(t *testing.T, step func(i int) logparse.Step) int {
	s := begin(t, true)
	var summary logparse.Summary
	found := 0
	for i := range 1000 {
		r := logparse.Record{Kind: logparse.KindStep, Step: step(i)}
		r.Step.Epoch, r.Step.Step, r.Step.Total = 1, int64(i+1), 1000
		summary.Add(&r)
		for _, v := range s.guard.Record(0, &r, s.now) {
			if v.Watchdog == Flat && found == 0 {
				found = i + 1
			}
		}
	}
	dead := []logparse.Health{logparse.HealthFlat, logparse.HealthOverflowing}
	require.Equal(t, found > 0, slices.Contains(dead, summary.Health()), summary.Health())
	return found
}

func known(v float64) logparse.Number { return logparse.Number{Value: v, Known: true} }

func TestHealthyLossesAreNotFlat(t *testing.T) {
	wave := func(i int) float64 { return math.Sin(float64(i) * 1.7) }
	for name, step := range map[string]func(i int) logparse.Step{
		"slow": func(i int) logparse.Step {
			return logparse.Step{Format: logparse.FormatF2, Loss: printed(2.3024-1e-6*float64(i)+2e-3*wave(i), 3), LR: known(1e-7)}
		},
		"a learning rate that rises from nothing": func(i int) logparse.Step {
			return logparse.Step{Format: logparse.FormatF2, Loss: printed(10.3754-1e-7*float64(i), 3), LR: known(1e-9 * float64(i))}
		},
		"the end of a schedule": func(i int) logparse.Step {
			return logparse.Step{Format: logparse.FormatF2, Loss: printed(2.3024+math.Exp(-float64(i)/5), 3), LR: known(1e-4 * math.Exp(-float64(i)/5))}
		},
		"low, and gradients that differ": func(i int) logparse.Step {
			return logparse.Step{Format: logparse.FormatF4, Loss: 0.213, LR: known(1e-5), GlobalNorm: known(0.1 + 0.01*wave(i))}
		},
		"a plateau whose noise is not printed": func(i int) logparse.Step {
			return logparse.Step{Format: logparse.FormatF4, Loss: printed(2.3024+2e-4*wave(i), 3), LR: known(1e-4), GlobalNorm: known(0.01 + 1e-3*wave(i))}
		},
		"the same with six decimals": func(i int) logparse.Step {
			return logparse.Step{Format: logparse.FormatF5, Loss: printed(2.3024+2e-4*wave(i), 6), LR: known(1e-4), GlobalNorm: known(0.01)}
		},
		"all is learnt": func(int) logparse.Step {
			return logparse.Step{Format: logparse.FormatF4, LR: known(1e-4), GlobalNorm: known(1e-6)}
		},
		"all is learnt, with six decimals": func(int) logparse.Step {
			return logparse.Step{Format: logparse.FormatF5, Loss: 0.000012, LR: known(1e-4)}
		},
		"one batch, and a learning rate that is still zero": func(int) logparse.Step {
			return logparse.Step{Format: logparse.FormatLossMonitor, Loss: 6.9077554, LR: known(0)}
		},
		"one batch, and a loss scale that is still too large": func(i int) logparse.Step {
			step := logparse.Step{Format: logparse.FormatF4, Loss: printed(6.908*math.Exp(-0.01*float64(max(0, i-13))), 3), LR: known(1e-4), GlobalNorm: known(0.5)}
			if step.Overflow = logparse.False; i < 13 {
				step.Overflow = logparse.True
			}
			return step
		},
	} {
		t.Run(name, func(t *testing.T) { require.Zero(t, flatOf(t, step)) })
	}
}

func TestDeadLossesAreFlat(t *testing.T) {
	for name, step := range map[string]logparse.Step{
		"steps that overflow":    {Format: logparse.FormatF1, Loss: 6.908, Overflow: logparse.True},
		"a norm that is none":    {Format: logparse.FormatF4, Loss: 6.908, GlobalNorm: known(math.NaN())},
		"a norm without end":     {Format: logparse.FormatF4, Loss: 6.908, GlobalNorm: known(math.Inf(1))},
		"no gradients":           {Format: logparse.FormatF4, Loss: 0, GlobalNorm: known(0)},
		"six digits":             {Format: logparse.FormatF2, Loss: -266.574},
		"six decimals":           {Format: logparse.FormatF5, Loss: 6.907755, LR: known(1e-4)},
		"MindSpore's own, exact": {Format: logparse.FormatLossMonitor, Loss: 6.9077554},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, 20, flatOf(t, func(int) logparse.Step { return step }))
		})
	}
}

// Three decimals of a loss say less, and are believed later.
func TestCoarseLossesThatAreDeadAreFlat(t *testing.T) {
	for name, step := range map[string]logparse.Step{
		"a release without lr and norm": {Format: logparse.FormatF1, Loss: 6.908, Overflow: logparse.False},
		"no norm":                       {Format: logparse.FormatF2, Loss: 2.303, LR: known(1e-4), Overflow: logparse.False},
		"the same gradients":            {Format: logparse.FormatF4, Loss: 10.375, LR: known(1e-4), GlobalNorm: known(0.5)},
		"a low loss":                    {Format: logparse.FormatF4, Loss: 0.693, LR: known(1e-5), GlobalNorm: known(0.6068563)},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, 40, flatOf(t, func(int) logparse.Step { return step }))
		})
	}
}

// The last stage of a pipeline has died; the others print what they always do.
func TestADeadLastStageIsFlat(t *testing.T) {
	s := begin(t, true)
	var found []Verdict
	for i := range 30 {
		for rank, step := range []logparse.Step{{Format: logparse.FormatF4}, {Format: logparse.FormatF4, Loss: 6.908, GlobalNorm: known(math.NaN())}} {
			step.Epoch, step.Step = 1, int64(i+1)
			found = append(found, s.guard.Record(rank, &logparse.Record{Kind: logparse.KindStep, Step: step}, s.now)...)
		}
	}
	require.Equal(t, 1, s.alone(found, Flat).Evidence.Rank)
}
