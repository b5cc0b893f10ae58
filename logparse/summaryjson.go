package logparse

import (
	"encoding/json"
	"time"
)

// summaryJSON is a summary in JSON. Fields may be added, none goes away.
type summaryJSON struct {
	Steps          int64                   `json:"steps"`
	FirstStep      *Step                   `json:"first_step"`
	LastStep       *Step                   `json:"last_step"`
	OverflowSteps  int64                   `json:"overflow_steps"`
	NonFiniteSteps int64                   `json:"nonfinite_steps"`
	Checkpoints    int64                   `json:"checkpoints"`
	CompileStarted bool                    `json:"compile_started"`
	Completed      bool                    `json:"completed"`
	Errors         []errorJSON             `json:"errors"`
	Health         Health                  `json:"health"`
	Phase          *Phase                  `json:"phase"`
	Phases         []phaseJSON             `json:"phases"`
	Runs           int                     `json:"runs"`
	TotalSteps     *int64                  `json:"total_steps"`
	SecondsLeft    *float                  `json:"seconds_left"`
	StepMS         *quantileJSON           `json:"step_ms"`
	SamplesPerSec  *float                  `json:"samples_per_second"`
	TokensPerSec   *float                  `json:"tokens_per_second"`
	Settings       map[SettingName]float64 `json:"settings"`
	Loss           *lossJSON               `json:"loss"`
	OverflowRate   *float                  `json:"overflow_rate"`
	NonFiniteNorms int64                   `json:"nonfinite_norm_steps"`
	LossScale      *spanJSON               `json:"loss_scale"`
	Began          *string                 `json:"began"`
	Ended          *string                 `json:"ended"`
}

type phaseJSON struct {
	Phase   Phase   `json:"phase"`
	Line    int64   `json:"line"`
	Began   *string `json:"began"`
	Entered int     `json:"entered"`
	Seconds float   `json:"seconds"`
}

type quantileJSON struct {
	Median float `json:"median"`
	P90    float `json:"p90"`
	P99    float `json:"p99"`
}

type lossJSON struct {
	Running float `json:"running"`
	Median  float `json:"median"`
	Min     float `json:"min"`
}

type spanJSON struct {
	First float `json:"first"`
	Last  float `json:"last"`
	Min   float `json:"min"`
	Max   float `json:"max"`
	// Changes are the newest, Count is how many there were.
	Changes []changeJSON `json:"changes"`
	Count   int64        `json:"count"`
}

type changeJSON struct {
	Step  int64 `json:"step"`
	Value float `json:"value"`
}

// MarshalJSON writes the summary: steps, first_step and last_step (objects, or
// null), overflow_steps, nonfinite_steps, checkpoints, compile_started,
// completed, errors (objects with signature, line, text, cause, remedy; an
// empty array for a clean log), and what follows from these: health, phases
// with their clocks in seconds, step_ms (median, p90, p99 of the last 4096
// steps), samples_per_second and tokens_per_second (median, per device),
// seconds_left, settings (numbers of the dumped configuration), loss
// (running: exponential mean; median: of the last 20 steps), loss_scale (first,
// last, min, max, and changes: the newest of count, each with its step).
func (s *Summary) MarshalJSON() ([]byte, error) { return s.Localized("") }

// Localized is MarshalJSON with causes and remedies in the language of a
// locale name such as "zh_CN.UTF-8".
func (s *Summary) Localized(locale string) ([]byte, error) {
	out := summaryJSON{
		Steps: s.Steps, FirstStep: s.First, LastStep: s.Last,
		OverflowSteps: s.OverflowSteps, NonFiniteSteps: s.NonFiniteSteps, NonFiniteNorms: s.NonFiniteNorms,
		Checkpoints: s.Checkpoints(), CompileStarted: s.CompileStarted, Completed: s.Completed,
		Errors: []errorJSON{}, Phases: []phaseJSON{}, Health: s.Health(), Runs: s.Runs,
		Began: timeJSON(s.Began), Ended: timeJSON(s.Ended), Settings: map[SettingName]float64{},
	}
	for name, v := range s.Settings {
		if finite(v) { // what else would a setting be; JSON cannot hold it
			out.Settings[name] = v
		}
	}
	for i := range s.Errors {
		out.Errors = append(out.Errors, newErrorJSON(&s.Errors[i], s.ErrorLines[i], locale))
	}
	for i := range s.Phases {
		p := &s.Phases[i]
		seconds := p.Seconds
		if p.Phase == s.Phase && s.Ended.After(s.entered) && !s.entered.IsZero() {
			seconds += s.Ended.Sub(s.entered).Seconds()
		}
		out.Phases = append(out.Phases, phaseJSON{p.Phase, p.Line, timeJSON(p.Began), p.Entered, float(seconds)})
	}
	if s.Phase != "" {
		out.Phase = &s.Phase
	}
	if n := s.TotalSteps(); n > 0 {
		out.TotalSteps = &n
	}
	if left, ok := s.TimeLeft(); ok {
		out.SecondsLeft = Number{left.Seconds(), true}.json()
	}
	if len(s.stepMS.values) > 0 {
		q := s.stepMS.quantiles(0.5, 0.9, 0.99)
		out.StepMS = &quantileJSON{float(q[0]), float(q[1]), float(q[2])}
	}
	out.SamplesPerSec = known(s.SamplesPerSecond()).json()
	out.TokensPerSec = known(s.TokensPerSecond()).json()
	if s.health.any {
		out.Loss = &lossJSON{float(s.health.smooth), float(s.health.median()), float(s.minLoss)}
	}
	if s.Steps > 0 {
		out.OverflowRate = Number{float64(s.OverflowSteps) / float64(s.Steps), true}.json()
	}
	if s.scale.seen {
		out.LossScale = &spanJSON{First: float(s.scale.first), Last: float(s.scale.last),
			Min: float(s.scale.smallest), Max: float(s.scale.largest), Count: s.scaleChanges}
		for _, c := range s.scales {
			out.LossScale.Changes = append(out.LossScale.Changes, changeJSON{c.Step, float(c.Value)})
		}
	}
	return json.Marshal(out)
}

func known(v float64, ok bool) Number { return Number{v, ok} }

func timeJSON(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	v := recordTime(t)
	return &v
}
