package engine

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"ftd/api"
	"ftd/daemon/journal"
	"ftd/launcher"
	"ftd/logparse"
)

// tracker is what the records of an attempt's logs amount to. It is stored
// with each batch, so that it always fits the points in the journal, and is
// never changed: fold returns the next one.
type tracker struct {
	Ranks map[int]rank `json:"ranks"`
	// Before is the step that earlier attempts had come to: up to there this
	// one repeats. The journal reads it too, to mark points.
	Before int64 `json:"before,omitempty"`
}

// rank is what one rank's log amounts to.
type rank struct {
	Phase        api.Phase  `json:"phase,omitempty"`
	PhaseSince   time.Time  `json:"phase_since,omitzero"`
	CompileBegan *time.Time `json:"compile_began,omitempty"`
	CompileEnded *time.Time `json:"compile_ended,omitempty"`
	Last         *api.Point `json:"last,omitempty"`
	Points       int64      `json:"points,omitempty"`
	Overflow     int64      `json:"overflow,omitempty"`
	NonFinite    int64      `json:"nonfinite,omitempty"`
	SamplesPS    api.Float  `json:"samples_per_second,omitempty"`
	// SeqLength is how many tokens a sample has, and BatchSize how many
	// samples a step has on one device; 0 where the log does not say.
	SeqLength float64 `json:"seq_length,omitempty"`
	BatchSize float64 `json:"batch_size,omitempty"`
	// Recent are the durations of the newest steps in seconds, the oldest
	// first; at most recentSteps.
	Recent []float64 `json:"recent,omitempty"`
	// Steps counts step durations by bucket of stepBuckets, the last one
	// being all longer ones; Seconds is their sum.
	Steps   []uint64 `json:"steps,omitempty"`
	Seconds float64  `json:"seconds,omitempty"`
}

// recentSteps is how many steps the median is taken over: few enough to follow
// a change.
const recentSteps = 64

// stepBuckets are the upper bounds of the histogram of step durations, in
// seconds: from tiny models on a CPU to large ones over many cards.
var stepBuckets = []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300}

func newTracker() tracker { return tracker{Ranks: map[int]rank{}} }

// begun is the tracker of a training that has not logged anything yet.
func begun(at time.Time, before int64) tracker {
	return tracker{Before: before, Ranks: map[int]rank{0: {Phase: api.PhaseStarting, PhaseSince: at.UTC()}}}
}

// fold returns the tracker after a batch, and what of the batch is to be
// stored. t stays as it is: the batch may turn out not to be storable.
func (t tracker) fold(attempt string, b launcher.Batch) (tracker, journal.Batch) {
	r := t.Ranks[b.Rank]
	r.Recent, r.Steps = slices.Clone(r.Recent), slices.Clone(r.Steps)
	out := journal.Batch{Attempt: attempt, Rank: b.Rank, File: string(b.File), Path: b.Path, Offset: b.Offset, Parser: b.Parser}
	for i := range b.Records {
		switch record := &b.Records[i]; record.Kind {
		case logparse.KindStep:
			p := point(record, attempt, b)
			p.Repeated = t.Before > 0 && p.GlobalStep <= t.Before
			r.step(p)
			if out.Points == nil { // records are mostly steps
				out.Points = make([]api.Point, 0, len(b.Records)-i)
			}
			out.Points = append(out.Points, p)
		case logparse.KindProgress:
			r.SamplesPS = api.Float(record.Progress.SamplesPerSec)
		case logparse.KindSetting:
			r.set(record.Setting)
		case logparse.KindPhase:
			if r.enter(api.Phase(record.Phase), clock(record.Time, b.Read)) {
				out.Phases = append(out.Phases, api.PhaseChange{Phase: r.Phase, Since: r.PhaseSince})
			}
		case logparse.KindProblem:
			out.Problems = append(out.Problems, problem(record, b.Path))
		}
	}
	next := tracker{Ranks: maps.Clone(t.Ranks), Before: t.Before}
	next.Ranks[b.Rank] = r
	return next, out
}

// enter moves to a phase and reports whether that is a change.
func (r *rank) enter(p api.Phase, at time.Time) bool {
	if r.Phase == p {
		return false
	}
	if p == api.PhaseCompiling && r.CompileBegan == nil {
		r.CompileBegan = &at
	}
	if r.Phase == api.PhaseCompiling && r.CompileEnded == nil {
		r.CompileEnded = &at
	}
	r.Phase, r.PhaseSince = p, at
	return true
}

func (r *rank) set(s logparse.Setting) {
	switch s.Name {
	case logparse.SettingSeqLength:
		r.SeqLength = s.Value
	case logparse.SettingBatchSize:
		r.BatchSize = s.Value
	}
}

// samplesPerSecond is the speed of one device: what the log says, else by the
// size of a batch and the time of a step; 0 if it says neither.
func (r *rank) samplesPerSecond() float64 {
	if r.SamplesPS > 0 {
		return float64(r.SamplesPS)
	}
	if step := median(r.Recent); step > 0 {
		return r.BatchSize / step
	}
	return 0
}

func (r *rank) step(p api.Point) {
	r.Last = &p
	r.Points++
	if p.Overflow != nil && *p.Overflow {
		r.Overflow++
	}
	if loss := float64(p.Loss); math.IsNaN(loss) || math.IsInf(loss, 0) {
		r.NonFinite++
	}
	seconds := float64(p.StepMS) / 1000
	if !(seconds >= 0) || math.IsInf(seconds, 0) {
		return
	}
	if r.Points > 1 { // the first one includes compiling
		if len(r.Recent) == recentSteps {
			r.Recent = r.Recent[1:]
		}
		r.Recent = append(r.Recent, seconds)
	}
	if len(r.Steps) == 0 {
		r.Steps = make([]uint64, len(stepBuckets)+1)
	}
	at, _ := slices.BinarySearch(stepBuckets, seconds)
	r.Steps[at]++
	r.Seconds += seconds
}

// reached is the furthest step that this attempt or an earlier one has come to.
func (t tracker) reached() int64 {
	step := t.Before
	for _, r := range t.Ranks {
		if r.Last != nil {
			step = max(step, r.Last.GlobalStep)
		}
	}
	return step
}

// lead is the rank that speaks for all: the lowest that logs steps, since in a
// pipeline only some do, or else the lowest.
func (t tracker) lead() rank {
	ranks := slices.Sorted(maps.Keys(t.Ranks))
	for _, n := range ranks {
		if t.Ranks[n].Points > 0 {
			return t.Ranks[n]
		}
	}
	if len(ranks) == 0 {
		return rank{}
	}
	return t.Ranks[ranks[0]]
}

// summary is the tracker as the API shows it.
func (t tracker) summary(attempt string) api.Training {
	r := t.lead()
	s := api.Training{
		Attempt: attempt, Phase: r.Phase, PhaseSince: r.PhaseSince, CompileBegan: r.CompileBegan, CompileEnded: r.CompileEnded,
		Last: r.Last, OverflowSteps: r.Overflow, NonFinite: r.NonFinite, StepSeconds: api.Float(median(r.Recent)), SamplesPerSec: r.SamplesPS,
	}
	if r.Last == nil {
		return s
	}
	s.StepsDone = r.Last.GlobalStep
	s.StepsTotal = r.Last.Total * max(r.Last.Epochs, 1)
	if s.StepsTotal > 0 && len(r.Recent) > 0 {
		left := api.Float(float64(max(s.StepsTotal-s.StepsDone, 0)) * float64(s.StepSeconds))
		s.SecondsLeft = &left
	}
	return s
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// clock is when a line was written: by its own clock, which is the local time
// of this machine without a zone, or else when it was read.
func clock(line, read time.Time) time.Time {
	if line.IsZero() {
		return read.UTC()
	}
	return time.Date(line.Year(), line.Month(), line.Day(), line.Hour(), line.Minute(), line.Second(), line.Nanosecond(), time.Local).UTC()
}

func point(r *logparse.Record, attempt string, b launcher.Batch) api.Point {
	s := &r.Step
	p := api.Point{
		Attempt: attempt, Rank: b.Rank, Time: clock(r.Time, b.Read), Offset: r.Offset,
		Epoch: s.Epoch, Epochs: s.Epochs, Step: s.Step, Total: s.Total, GlobalStep: s.GlobalStep(),
		Loss: api.Float(s.Loss), StepMS: api.Float(s.StepMS),
		LR: known(s.LR), LossScale: known(s.LossScale), GlobalNorm: known(s.GlobalNorm),
	}
	if s.Overflow != logparse.Unknown {
		overflow := s.Overflow == logparse.True
		p.Overflow = &overflow
	}
	return p
}

func known(n logparse.Number) *api.Float {
	if !n.Known {
		return nil
	}
	return api.Float(n.Value).Ptr()
}

func problem(r *logparse.Record, path string) journal.Problem {
	e := api.Error{Code: api.CodeTrainingFailed, Message: r.Problem.Text, Source: fmt.Sprintf("%s:%d", path, r.Line), Excerpt: r.Problem.Traceback}
	if s := r.Problem.Signature; s != nil {
		e.Code, e.Message, e.Remedy = s.ID, s.Cause, s.Remedy
		if len(e.Excerpt) == 0 {
			e.Excerpt = []string{r.Problem.Text}
		}
	}
	return journal.Problem{Offset: r.Offset, Error: e}
}
