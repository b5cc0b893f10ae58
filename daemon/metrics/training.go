package metrics

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"ftd/api"
	"ftd/daemon/engine"
	"ftd/launcher/watchdog"
)

// watchdogs have a series in each training.
var watchdogs = []watchdog.Name{
	watchdog.Startup, watchdog.Compile, watchdog.FirstStep, watchdog.Stall, watchdog.Silence, watchdog.NonFinite,
	watchdog.Overflow, watchdog.LossScale, watchdog.Flat, watchdog.Spike, watchdog.Weights,
}

type send func(d *prometheus.Desc, v float64, labels ...string)

// training sends what is known of one training; what its log does not say has
// no series.
func (c *collector) training(t engine.Training, gauge, counter send) {
	gauge(info, 1, t.Job, t.Name)
	counter(attempts, float64(t.Attempts), t.Job)
	counter(overflow, float64(t.OverflowSteps), t.Job)
	counter(nonFinite, float64(t.NonFinite), t.Job)
	counter(checkpoints, float64(t.Complete), t.Job)
	// At zero too: what a counter begins with is no increase to Prometheus.
	for _, name := range watchdogs {
		counter(alarms, float64(t.Alarms[string(name)]), t.Job, string(name))
	}
	for name, n := range t.Alarms {
		if !slices.Contains(watchdogs, watchdog.Name(name)) { // the disk's
			counter(alarms, float64(n), t.Job, name)
		}
	}
	for _, p := range phases {
		gauge(phase, truth(t.Phase == p), t.Job, string(p))
	}
	if !t.PhaseSince.IsZero() {
		gauge(phaseSeconds, c.now().Sub(t.PhaseSince).Seconds(), t.Job)
	}
	if t.CompileBegan != nil {
		end := c.now()
		if t.CompileEnded != nil {
			end = *t.CompileEnded
		}
		gauge(compile, end.Sub(*t.CompileBegan).Seconds(), t.Job)
	}
	if t.Written > 0 {
		gauge(ckptWrite, t.Written.Seconds(), t.Job)
	}
	if n := t.Newest; n != nil {
		gauge(ckptAge, c.now().Sub(n.Seen).Seconds(), t.Job)
		gauge(ckptBytes, float64(n.Bytes), t.Job)
		gauge(ckptStep, float64(n.Step), t.Job)
		gauge(ckptTimestamp, seconds(n.Seen), t.Job)
	}
	if d := t.Disk; d != nil {
		gauge(diskFree, float64(d.Free), t.Job)
		if d.RunsOut != nil {
			gauge(diskFull, seconds(*d.RunsOut), t.Job)
		}
	}
	p := t.Last
	if p == nil {
		return
	}
	gauge(step, float64(p.GlobalStep), t.Job)
	gauge(loss, float64(p.Loss), t.Job)
	gauge(lastStepTime, seconds(p.Time), t.Job)
	if t.StepsTotal > 0 {
		gauge(stepsPlanned, float64(t.StepsTotal), t.Job)
	}
	if t.SamplesPerSec > 0 {
		gauge(samplesPS, float64(t.SamplesPerSec), t.Job)
	}
	if t.TokensPerSec > 0 {
		gauge(tokensPS, t.TokensPerSec, t.Job)
	}
	for d, v := range map[*prometheus.Desc]*api.Float{learningRate: p.LR, lossScale: p.LossScale, globalNorm: p.GlobalNorm, secondsLeft: t.SecondsLeft} {
		if v != nil {
			gauge(d, float64(*v), t.Job)
		}
	}
}
