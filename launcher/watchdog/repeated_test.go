package watchdog

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/logparse"
)

// together shows steps to a guard as ranks tell of them that print into one
// log, none far behind the others; what is printed depends on the step alone.
func together(s *story, ranks, steps int, says func(step int) logparse.Step) (found []Verdict, at []int) {
	for step := 1; step <= steps; step++ {
		s.now = s.now.Add(time.Second)
		for rank := range ranks {
			late := max(step-rank%3, 1) // every third tells of the step before, or of that before it
			line := says(late)
			line.Epoch, line.Epochs, line.Step, line.Total = 1, 1, int64(late), 1000
			for _, v := range s.guard.Record(0, &logparse.Record{Kind: logparse.KindStep, Step: line}, s.now) {
				found, at = append(found, v), append(at, step)
			}
		}
	}
	return found, at
}

func TestRanksThatPrintIntoOneLogAreNoSeries(t *testing.T) {
	for name, says := range map[string]func(int) logparse.Step{
		"a dynamic loss scale": func(i int) logparse.Step {
			step := logparse.Step{Format: logparse.FormatF4, Loss: learning(i), StepMS: 1000, LossScale: known(math.Ldexp(1, max(31-i, 18)))}
			if step.Overflow = logparse.False; i <= 13 {
				step.Overflow = logparse.True
			}
			return step
		},
		"the mean of all ranks": func(i int) logparse.Step {
			return logparse.Step{Format: logparse.FormatLossMonitor, Loss: learning(i)}
		},
		"one step that is no number": func(i int) logparse.Step {
			step := logparse.Step{Format: logparse.FormatF2, Loss: learning(i), StepMS: 1000}
			if i == 40 {
				step.Loss = math.NaN()
			}
			return step
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := begin(t, true)
			found, _ := together(s, 64, 200, says)
			require.Empty(t, found)
		})
	}
}

func TestRanksThatPrintIntoOneLogAndLearnNothing(t *testing.T) {
	s := begin(t, true)
	found, at := together(s, 64, 60, func(int) logparse.Step {
		return logparse.Step{Format: logparse.FormatF4, Loss: -266.574, StepMS: 1000, GlobalNorm: known(math.NaN())}
	})
	s.alone(found, Flat)
	require.Equal(t, []int{20}, at)
}

// What is done again after a resume in the same log is judged again.
func TestStepsThatAreDoneAgainCount(t *testing.T) {
	s := begin(t, true)
	bad := func(int) logparse.Step {
		return logparse.Step{Format: logparse.FormatF2, Loss: math.NaN(), StepMS: 1000}
	}
	good := func(i int) logparse.Step {
		return logparse.Step{Format: logparse.FormatF2, Loss: learning(i), StepMS: 1000}
	}
	found, _ := together(s, 1, 100, good)
	require.Empty(t, found)
	found, at := together(s, 1, 100, bad)
	s.alone(found, NonFinite)
	require.Equal(t, []int{3}, at)
}
