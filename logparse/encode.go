package logparse

import (
	"bytes"
	"encoding/json"
	"math"
	"time"
)

// float is a number that survives JSON when it is not finite.
type float float64

func (f float) MarshalJSON() ([]byte, error) {
	v := float64(f)
	switch {
	case math.IsNaN(v):
		return []byte(`"NaN"`), nil
	case math.IsInf(v, 1):
		return []byte(`"Infinity"`), nil
	case math.IsInf(v, -1):
		return []byte(`"-Infinity"`), nil
	}
	return json.Marshal(v)
}

func (n Number) json() *float {
	if !n.Known {
		return nil
	}
	f := float(n.Value)
	return &f
}

func (t Tristate) json() *bool {
	if t == Unknown {
		return nil
	}
	b := t == True
	return &b
}

// stepJSON is a step in JSON; what the log did not print is null.
type stepJSON struct {
	Epoch       *int64 `json:"epoch"`
	Epochs      *int64 `json:"epochs"`
	Step        int64  `json:"step"`
	Total       *int64 `json:"total"`
	GlobalStep  int64  `json:"global_step"`
	Loss        *float `json:"loss"`
	MeanLoss    *float `json:"mean_loss,omitempty"`
	LR          *float `json:"lr"`
	StepMS      *float `json:"step_ms"`
	Overflow    *bool  `json:"overflow"`
	LossScale   *float `json:"loss_scale"`
	GlobalNorm  *float `json:"global_norm,omitempty"`
	Throughput  *float `json:"tflops_per_device,omitempty"`
	LMLoss      *float `json:"lm_loss,omitempty"`
	BalanceLoss *float `json:"load_balancing_loss,omitempty"`
	MTPLoss     *float `json:"mtp_loss,omitempty"`
	KLLoss      *float `json:"kl_loss,omitempty"`
	Format      string `json:"format"`
}

// MarshalJSON writes the step as an object: epoch, epochs, step, total,
// global_step, loss, lr, step_ms (milliseconds), overflow, loss_scale, with
// null for what the log did not print; numbers that are not finite are the
// strings "NaN", "Infinity" and "-Infinity".
func (s *Step) MarshalJSON() ([]byte, error) {
	out := stepJSON{
		Step: s.Step, GlobalStep: s.GlobalStep(), LR: s.LR.json(), Overflow: s.Overflow.json(),
		LossScale: s.LossScale.json(), MeanLoss: s.MeanLoss.json(), GlobalNorm: s.GlobalNorm.json(),
		Throughput: s.Throughput.json(), LMLoss: s.LMLoss.json(), BalanceLoss: s.BalanceLoss.json(),
		MTPLoss: s.MTPLoss.json(), KLLoss: s.KLLoss.json(), Format: s.Format.String(),
		Loss: Number{s.Loss, !s.NoLoss}.json(), StepMS: Number{s.StepMS, s.StepMS > 0}.json(),
	}
	if s.Format != FormatF6 {
		out.Epoch = &s.Epoch
	}
	if s.Epochs > 0 {
		out.Epochs = &s.Epochs
	}
	if s.Total > 0 {
		out.Total = &s.Total
	}
	return json.Marshal(out)
}

// recordTime writes a log's time, which has no zone.
func recordTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("2006-01-02T15:04:05.000")
}

// MarshalJSON writes the record as one object: kind, line, offset (bytes) and
// time (local to the writer, no zone) and the fields of its kind.
func (r *Record) MarshalJSON() ([]byte, error) {
	head := struct {
		Kind   string `json:"kind"`
		Line   int64  `json:"line"`
		Offset int64  `json:"offset"`
		Time   string `json:"time,omitempty"`
	}{r.Kind.String(), r.Line, r.Offset, recordTime(r.Time)}
	var rest any
	switch r.Kind {
	case KindStep:
		rest = &r.Step
	case KindEpoch:
		rest = map[string]any{"ms": float(r.Epoch.MS), "step_ms": float(r.Epoch.StepMS),
			"mean_loss": Number{r.Epoch.MeanLoss, finite(r.Epoch.MeanLoss)}.json(), "eval": r.Epoch.Eval}
	case KindProgress:
		rest = map[string]any{"percent": float(r.Progress.Percent),
			"samples_per_second": float(r.Progress.SamplesPerSec), "seconds_left": float(r.Progress.SecondsLeft)}
	case KindState:
		rest = map[string]any{"epoch": r.State.Epoch, "epochs": r.State.Epochs, "step": r.State.Step,
			"total": r.State.Total, "tag": r.State.Tag, "value": r.State.Value}
	case KindPhase:
		rest = map[string]any{"phase": r.Phase}
	case KindSave:
		rest = map[string]any{"finished": r.Save.Finished, "what": r.Save.What, "epoch": r.Save.Epoch,
			"step": r.Save.Step, "seconds": float(r.Save.Seconds)}
	case KindSetting:
		rest = map[string]any{"name": r.Setting.Name, "value": float(r.Setting.Value)}
	case KindProblem:
		rest = newErrorJSON(&r.Problem, r.Line, "")
	default:
		return json.Marshal(head)
	}
	return mergeObjects(head, rest)
}

// mergeObjects writes the members of two objects as one.
func mergeObjects(head, rest any) ([]byte, error) {
	a, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(rest)
	if err != nil {
		return nil, err
	}
	return bytes.Join([][]byte{a[:len(a)-1], b[1:]}, []byte(",")), nil
}

// String returns the kind's name in JSON.
func (k Kind) String() string {
	names := [...]string{"", "step", "epoch", "progress", "state", "phase", "save", "problem", "end", "setting"}
	if int(k) < len(names) {
		return names[k]
	}
	return ""
}

// errorJSON is an error in JSON.
type errorJSON struct {
	Signature string   `json:"signature"`
	Line      int64    `json:"line"`
	Text      string   `json:"text"`
	Cause     string   `json:"cause"`
	Remedy    string   `json:"remedy"`
	Permanent bool     `json:"permanent"`
	Secondary bool     `json:"secondary"`
	Again     bool     `json:"again,omitempty"`
	Traceback []string `json:"traceback,omitempty"`
}

func newErrorJSON(p *Problem, line int64, locale string) errorJSON {
	cause, remedy := p.Signature.Text(locale)
	return errorJSON{p.Signature.ID, line, p.Text, cause, remedy,
		p.Signature.Permanent, p.Signature.Secondary, p.Again, p.Traceback}
}
