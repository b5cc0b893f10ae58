package watchdog

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/logparse"
)

// story is a training as a guard sees it: a clock that only it moves, and
// signs of life that stand still unless told otherwise.
type story struct {
	*testing.T
	guard *Guard
	now   time.Time
	signs Signs
	step  int64
}

const look = 5 * time.Second

func begin(t *testing.T, fromStart bool) *story {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return &story{T: t, guard: New(Defaults(), now, fromStart), now: now}
}

// wait looks every few seconds; each time, move changes the signs.
func (s *story) wait(d time.Duration, move func(*Signs)) (found []Verdict) {
	s.Helper()
	for end := s.now.Add(d); s.now.Before(end); {
		s.now = s.now.Add(look)
		if move != nil {
			move(&s.signs)
		}
		found = append(found, s.guard.Look(s.signs, s.now)...)
	}
	return found
}

func (s *story) phase(p logparse.Phase) {
	s.signs.Log += 80
	require.Empty(s, s.guard.Record(0, &logparse.Record{Kind: logparse.KindPhase, Phase: p}, s.now))
}

// steps are some that take as long each; loss says which loss they have.
func (s *story) steps(n int, each time.Duration, loss func(i int) float64) (found []Verdict) {
	s.Helper()
	for i := range n {
		found = append(found, s.wait(each, work)...)
		s.step++
		s.signs.Log += 200
		step := logparse.Step{Format: logparse.FormatF4, Epoch: 1, Step: s.step, Total: 1e6, Loss: loss(i), StepMS: 1000 * each.Seconds()}
		found = append(found, s.guard.Record(0, &logparse.Record{Kind: logparse.KindStep, Step: step}, s.now)...)
	}
	return found
}

func learning(i int) float64 { return 7/(1+0.01*float64(i)) + 0.01*float64(i%7) }

func work(s *Signs)  { s.CPU += look }
func build(s *Signs) { s.CPU += look; s.Cache++ }

// alone requires one verdict and returns it.
func (s *story) alone(found []Verdict, name Name) Verdict {
	s.Helper()
	require.Len(s, found, 1, "%v", found)
	require.Equal(s, name, found[0].Watchdog)
	return found[0]
}

func TestStartThatHangs(t *testing.T) {
	s := begin(t, true)
	s.signs.Stuck = 2
	s.phase(logparse.PhaseLoading)
	require.Empty(t, s.wait(3*time.Minute, work))
	v := s.alone(s.wait(30*time.Minute, nil), Startup)
	require.Equal(t, "cpu", v.Evidence.Moved)
	require.Contains(t, v.Message, "2 processes hang in a driver")
	require.Empty(t, s.wait(10*time.Minute, nil), "it is told once")
}

func TestCompileIsJudgedByWhatMoves(t *testing.T) {
	s := begin(t, true)
	s.phase(logparse.PhaseCompiling)
	require.Empty(t, s.wait(2*time.Hour, build), "a compile takes as long as it takes")
	require.Empty(t, s.wait(2*time.Hour, work), "and may only compute for long")
	v := s.alone(s.wait(90*time.Minute, work), Compile)
	require.Contains(t, v.Message, "only uses processor time")
	require.Equal(t, "cpu", v.Evidence.Moved)
	require.InDelta(t, 3*time.Hour.Seconds(), v.Evidence.CacheSeconds, 60)

	s = begin(t, true)
	s.phase(logparse.PhaseCompiling)
	require.Empty(t, s.wait(time.Hour, build))
	idle := func(signs *Signs) { signs.CPU += look / 50 } // threads that only wait
	v = s.alone(s.wait(20*time.Minute, idle), Compile)
	require.Contains(t, v.Message, "nothing moves")
	require.InDelta(t, 15*time.Minute.Seconds(), v.Evidence.CacheSeconds, 10)
}

func TestCompileThatComesBackIsFoundAgain(t *testing.T) {
	s := begin(t, true)
	s.phase(logparse.PhaseCompiling)
	s.alone(s.wait(20*time.Minute, nil), Compile)
	require.Empty(t, s.wait(time.Minute, build))
	s.alone(s.wait(20*time.Minute, nil), Compile)
}

func TestFirstStepThatDoesNotCome(t *testing.T) {
	s := begin(t, true)
	s.phase(logparse.PhaseCompiling)
	s.alone(s.wait(7*time.Hour, build), FirstStep)

	s = begin(t, true)
	talk := func(signs *Signs) { signs.Log++ }
	require.Empty(t, s.wait(48*time.Hour, talk), "what is no training in this sense need not step")
}

func TestStallFollowsTheStepTime(t *testing.T) {
	s := begin(t, true)
	require.Empty(t, s.steps(20, time.Second, learning))
	require.Empty(t, s.wait(9*time.Minute, work))
	v := s.alone(s.wait(2*time.Minute, work), Stall)
	require.EqualValues(t, 20, v.Evidence.Step)

	s = begin(t, true)
	require.Empty(t, s.steps(20, 10*time.Minute, learning), "slow steps are no stall")
	require.Empty(t, s.wait(49*time.Minute, work))
	s.alone(s.wait(2*time.Minute, work), Stall)
}

func TestLongSavesAreNoStall(t *testing.T) {
	for _, phase := range []logparse.Phase{logparse.PhaseSaving, logparse.PhaseEvaluating, logparse.PhaseExiting} {
		s := begin(t, true)
		require.Empty(t, s.steps(20, time.Second, learning))
		s.phase(phase)
		require.Empty(t, s.wait(59*time.Minute, work), phase)
		found := s.wait(2*time.Minute, work)
		require.Len(t, found, 2, phase)
		require.Equal(t, Stall, found[0].Watchdog)
		require.Contains(t, found[0].Message, phase)
		require.Equal(t, Silence, found[1].Watchdog)
	}
}

// A save within a step makes that step no measure of the others.
func TestStepTimeIsLearntWithoutSaves(t *testing.T) {
	s := begin(t, true)
	for range 3 {
		require.Empty(t, s.steps(5, time.Second, learning))
		s.phase(logparse.PhaseSaving)
		require.Empty(t, s.wait(30*time.Minute, work))
		s.phase(logparse.PhaseTraining)
	}
	require.Empty(t, s.steps(5, time.Second, learning))
	s.alone(s.wait(11*time.Minute, work), Stall)
}

// While the log moves nothing else is looked at; afterwards what was looked at
// before it moved says nothing.
func TestALogThatMovesIsLifeEnough(t *testing.T) {
	s := begin(t, true)
	s.phase(logparse.PhaseCompiling)
	talk := func(signs *Signs) { *signs = Signs{Log: signs.Log + 1, LogOnly: true} }
	require.Empty(t, s.wait(2*time.Hour, talk))
	s.signs.LogOnly, s.signs.CPU = false, time.Hour
	require.Empty(t, s.wait(14*time.Minute, nil))
	s.alone(s.wait(2*time.Minute, nil), Compile)
}

func TestSilence(t *testing.T) {
	s := begin(t, false)
	require.Empty(t, s.wait(59*time.Minute, work))
	s.alone(s.wait(2*time.Minute, work), Silence)
}

// When the daemon itself was stopped, nobody knows what moved meanwhile.
func TestSleepOfTheWatcherIsNotHeldAgainstTheTraining(t *testing.T) {
	s := begin(t, true)
	require.Empty(t, s.steps(20, time.Second, learning))
	s.now = s.now.Add(8 * time.Hour)
	require.Empty(t, s.wait(9*time.Minute, nil))
	require.NotEmpty(t, s.wait(2*time.Minute, nil))
}

// A guard that begins in the middle knows nothing of what was before.
func TestAdoption(t *testing.T) {
	s := begin(t, false)
	require.Empty(t, s.wait(50*time.Minute, nil), "perhaps it compiles")
	require.Empty(t, s.steps(3, time.Second, learning))
	require.Empty(t, s.wait(30*time.Minute, nil), "three steps say nothing")
}

// Only the phase and the step time are remembered: a hang that began while
// nobody looked is found, and old numbers are held against nobody.
func TestAdoptionOfATrainingThatHangs(t *testing.T) {
	s := begin(t, false)
	for i := range 30 {
		step := logparse.Step{Format: logparse.FormatF4, Epoch: 1, Step: int64(i + 1), Total: 100, Loss: math.NaN(), StepMS: 120_000}
		s.guard.Recall(0, &logparse.Record{Kind: logparse.KindStep, Step: step})
	}
	s.guard.Recalled(s.now)
	require.Empty(t, s.wait(9*time.Minute, work))
	v := s.alone(s.wait(2*time.Minute, work), Stall)
	require.EqualValues(t, 30, v.Evidence.Step)
	require.Empty(t, s.steps(2, time.Second, func(int) float64 { return math.NaN() }))

	s = begin(t, false)
	s.guard.Recall(0, &logparse.Record{Kind: logparse.KindPhase, Phase: logparse.PhaseCompiling})
	s.guard.Recalled(s.now)
	require.Empty(t, s.wait(14*time.Minute, nil))
	s.alone(s.wait(2*time.Minute, nil), Compile)
}

func TestLossThatIsNoNumber(t *testing.T) {
	s := begin(t, true)
	require.Empty(t, s.steps(30, look, learning))
	require.Empty(t, s.steps(2, look, func(int) float64 { return math.NaN() }))
	v := s.alone(s.steps(5, look, func(int) float64 { return math.Inf(1) }), NonFinite)
	require.True(t, v.Error)
	require.Equal(t, "+Inf", v.Evidence.Loss)
	require.Equal(t, 3, v.Evidence.Steps)
}

// mindformers up to 0.6 saves without a word, for as long as a slow disk takes.
func TestASaveOfWhichTheLogSaysNothing(t *testing.T) {
	save := func(s *Signs) { s.CPU += look; s.Saves++ }
	s := begin(t, true)
	require.Empty(t, s.steps(20, look, learning))
	require.Empty(t, s.wait(20*time.Minute, save))
	require.Empty(t, s.wait(9*time.Minute, work))
	s.alone(s.wait(2*time.Minute, work), Stall)

	// Another training may save there for ever.
	s = begin(t, true)
	require.Empty(t, s.steps(20, look, learning))
	require.Empty(t, s.wait(59*time.Minute, save))
	found := s.wait(2*time.Minute, save)
	require.NotEmpty(t, found)
	s.alone(found[:1], Stall)
}

// An evaluation that the log does not tell of is a stall once, and known then.
func TestAPauseThatComesAgainIsNoStall(t *testing.T) {
	s := begin(t, true)
	require.Empty(t, s.steps(100, look, learning))
	s.alone(s.wait(20*time.Minute, nil), Stall)
	for range 5 {
		require.Empty(t, s.steps(100, look, learning))
		require.Empty(t, s.wait(25*time.Minute, nil), "longer, but not by much")
	}
	require.Empty(t, s.steps(100, look, learning))
	s.alone(s.wait(59*time.Minute, nil), Stall)
}

func TestSpike(t *testing.T) {
	s := begin(t, true)
	require.Empty(t, s.steps(100, look, learning))
	require.Empty(t, s.steps(2, look, func(int) float64 { return 100 }), "single ones pass")
	require.Empty(t, s.steps(50, look, func(i int) float64 { return learning(100 + i) }))
	v := s.alone(s.steps(10, look, func(i int) float64 { return 40 + float64(i) }), Spike)
	require.False(t, v.Error)
}

// A loss near zero is wild: it is no spike at ten times the usual, but it is one
// where the training began.
func TestALowLossIsWild(t *testing.T) {
	s := begin(t, true)
	random := rand.New(rand.NewPCG(1, 1))
	low := func(int) float64 { return printed(0.02*math.Exp(random.NormFloat64()), 3) }
	require.Empty(t, s.steps(20_000, time.Millisecond, low))
	s.alone(s.steps(5, time.Millisecond, func(int) float64 { return 2.3 }), Spike)
}

// A loss rises to a new level and falls again from there: harder data. One that
// rises as far as that from where it began, or much further, is told of.
func TestALossThatRisesOnce(t *testing.T) {
	level := func(from float64) func(i int) float64 {
		return func(i int) float64 { return from*math.Exp(-0.003*float64(i)) + 0.02*float64(i%5) }
	}
	began := func() *story {
		s := begin(t, true)
		require.Empty(t, s.steps(60, look, func(i int) float64 { return 5 - 0.06*float64(i) }))
		require.Empty(t, s.steps(100, look, level(1.5)))
		return s
	}
	require.Empty(t, began().steps(200, look, level(2.4)), "harder data")
	s := began()
	s.alone(s.steps(200, look, level(5)), Spike)
	s = began()
	s.alone(s.steps(200, look, level(3.6)), Spike)

	// The beginning was not seen.
	s = begin(t, false)
	s.step = 100_000
	require.Empty(t, s.steps(100, look, level(1.5)))
	require.Empty(t, s.steps(200, look, level(2.4)), "harder data")
	s.alone(s.steps(20, look, level(9)), Spike)
}

// In a pipeline only the last stage knows the loss.
func TestConstantLossOfOtherStagesIsNotFlat(t *testing.T) {
	s := begin(t, true)
	for i := range 100 {
		s.now = s.now.Add(look)
		for rank, loss := range []float64{0, learning(i)} {
			step := logparse.Step{Epoch: 1, Step: int64(i + 1), Loss: loss, StepMS: 5000}
			require.Empty(t, s.guard.Record(rank, &logparse.Record{Kind: logparse.KindStep, Step: step}, s.now))
		}
	}
}

func TestParse(t *testing.T) {
	all, err := Parse(map[string]any{
		"stall":    map[string]any{"action": "stop", "limit": "90s", "factor": "3"},
		"overflow": map[string]any{"steps": int64(5), "of": int64(5)},
	})
	require.NoError(t, err)
	want := Defaults()
	want[Stall] = Setting{Action: Stop, Limit: 90 * time.Second, Pause: time.Hour, Warmup: 5, Factor: 3}
	want[Overflow] = Setting{Action: Notify, Steps: 5, Of: 5}
	require.Equal(t, want, all)

	for message, bad := range map[string]map[string]any{
		`no watchdog "stal"`: {"stal": map[string]any{}},
		`it has no "idle"`:   {"stall": map[string]any{"idle": "1s"}},
		`such as 90s`:        {"stall": map[string]any{"limit": int64(90)}},
		`must be one of`:     {"stall": map[string]any{"action": "kill"}},
		`takes a map`:        {"stall": "stop"},
		`more than of`:       {"overflow": map[string]any{"steps": int64(50)}},
		`number above 1`:     {"spike": map[string]any{"factor": "NaN"}},
		`whole number`:       {"flat": map[string]any{"steps": int64(0)}},
	} {
		_, err := Parse(bad)
		require.ErrorContains(t, err, message)
	}
}
