package logparse_test

import (
	"fmt"
	"math"
	"math/rand"
	"strconv"
	"strings"
	"testing"

	"ftd/logparse"
)

// render writes a step as its format does.
func render(s logparse.Step) string {
	f := func(v float64, layout string) string {
		switch {
		case math.IsNaN(v):
			return "  nan"
		case math.IsInf(v, 1):
			return "  inf"
		case math.IsInf(v, -1):
			return " -inf"
		}
		return fmt.Sprintf(layout, v)
	}
	// Python's repr of a float is the shortest form that reads back, as is 'g' here.
	n := func(v logparse.Number, absent string) string {
		if !v.Known {
			return absent
		}
		return strings.TrimSpace(f(v.Value, "%v"))
	}
	layout := "%5.3f"
	if s.Format >= logparse.FormatF5 {
		layout = "%5.6f"
	}
	var b strings.Builder
	if s.Format >= logparse.FormatF2 {
		b.WriteString("{ ")
	}
	if s.Format != logparse.FormatF6 {
		fmt.Fprintf(&b, "Epoch:[%3d/%3d], ", s.Epoch, s.Epochs)
	}
	fmt.Fprintf(&b, "step:[%5d/%5d], ", s.Step, s.Total)
	if s.MeanLoss.Known {
		fmt.Fprintf(&b, "loss:[%s/%s]", f(s.Loss, layout), f(s.MeanLoss.Value, layout))
	} else {
		fmt.Fprintf(&b, "loss: %s", f(s.Loss, layout))
	}
	for _, extra := range []struct {
		name string
		v    logparse.Number
	}{{"lm_loss", s.LMLoss}, {"load_balancing_loss", s.BalanceLoss}, {"mtp_loss", s.MTPLoss}, {"kl_loss", s.KLLoss}} {
		if extra.v.Known {
			fmt.Fprintf(&b, ", %s: %s", extra.name, f(extra.v.Value, "%5.6f"))
		}
	}
	if s.Format <= logparse.FormatF1 {
		fmt.Fprintf(&b, ", time:%5.3f ms, lr:%s", s.StepMS, n(s.LR, "Not Set LR."))
	} else {
		fmt.Fprintf(&b, ", per_step_time: %dms", int64(s.StepMS))
		if s.LR.Known {
			fmt.Fprintf(&b, ", lr: %s", n(s.LR, ""))
		}
	}
	if s.Format == logparse.FormatF0 {
		return b.String()
	}
	if s.Format == logparse.FormatF6 {
		return b.String() + " }"
	}
	fmt.Fprintf(&b, ", overflow cond: %s, loss_scale: %s",
		map[logparse.Tristate]string{logparse.True: "True", logparse.False: "False", logparse.Unknown: "None"}[s.Overflow],
		n(s.LossScale, "unavailable"))
	if s.Format >= logparse.FormatF3 {
		norm := n(s.GlobalNorm, "None")
		if s.GlobalNorm.Known {
			norm = "[" + norm + "]"
		}
		fmt.Fprintf(&b, ", global_norm: %s", norm)
	}
	if s.Throughput.Known {
		fmt.Fprintf(&b, ", train_throughput_per_npu: %.3fT", s.Throughput.Value)
	}
	return b.String()
}

// randomStep makes a step that its format can say without loss.
func randomStep(rnd *rand.Rand) logparse.Step {
	exact := func(v float64, places int) float64 {
		v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'f', places, 64), 64)
		return v
	}
	value := func(places int) float64 {
		switch rnd.Intn(12) {
		case 0:
			return math.NaN()
		case 1:
			return math.Inf(1 - 2*rnd.Intn(2))
		}
		return exact(math.Exp(rnd.NormFloat64()*4)*float64(1-2*rnd.Intn(2)), places)
	}
	maybe := func(v float64) logparse.Number {
		if rnd.Intn(3) == 0 {
			return logparse.Number{}
		}
		return num(v)
	}
	s := logparse.Step{Format: logparse.FormatF0 + logparse.Format(rnd.Intn(7))}
	places := 3
	if s.Format >= logparse.FormatF5 {
		places = 6
	}
	if s.Format != logparse.FormatF6 {
		s.Epochs = 1 + rnd.Int63n(2000)
		s.Epoch = rnd.Int63n(s.Epochs + 1)
	}
	s.Total = 1 + rnd.Int63n(5_000_000)
	s.Step = 1 + rnd.Int63n(s.Total)
	s.Loss, s.MeanLoss = value(places), maybe(value(places))
	s.LR = maybe(math.Abs(rnd.NormFloat64()) * math.Pow(10, float64(rnd.Intn(12)-9)))
	if s.Format <= logparse.FormatF1 {
		s.StepMS, s.MeanLoss = exact(rnd.Float64()*1e6, 3), num(value(places))
	} else {
		s.StepMS = float64(rnd.Int63n(1e7))
	}
	switch s.Format {
	case logparse.FormatF0:
		return s
	case logparse.FormatF6:
		s.MeanLoss = logparse.Number{}
		return s
	}
	s.Overflow = logparse.Tristate(rnd.Intn(3))
	s.LossScale = maybe(math.Exp2(float64(rnd.Intn(60))))
	switch s.Format {
	case logparse.FormatF3:
		s.GlobalNorm = maybe(value(7))
	case logparse.FormatF4:
		s.GlobalNorm, s.Throughput = maybe(value(7)), num(exact(rnd.Float64()*300, 3))
	case logparse.FormatF5:
		s.GlobalNorm, s.Throughput = maybe(value(7)), maybe(exact(rnd.Float64()*300, 3))
		s.LMLoss, s.BalanceLoss, s.MTPLoss, s.KLLoss = num(value(6)), maybe(value(6)), maybe(value(6)), maybe(value(6))
	}
	return s
}

func TestRenderedStepsParseBack(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	for range 20_000 {
		s := randomStep(rnd)
		line := fmt.Sprintf(heads[rnd.Intn(len(heads))], stamp) + render(s)
		equalSteps(t, s, only(t, line+"\n").Step, line)
	}
}
