package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ftd/api"
	"ftd/daemon/engine"
)

// states are all that a job can be in: each has a series, at zero if need be.
var states = []api.State{
	api.StateQueued, api.StateRunning, api.StateStopping, api.StateSucceeded,
	api.StateFailed, api.StateStopped, api.StateInterrupted, api.StateLost,
}

// phases likewise of a training.
var phases = []api.Phase{
	api.PhaseStarting, api.PhaseLoading, api.PhaseCompiling, api.PhaseTraining,
	api.PhaseEvaluating, api.PhaseSaving, api.PhaseExiting,
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("ftd_"+name, help, labels, nil)
}

var (
	buildInfo     = describe("build_info", "The daemon's version and its Python's; always 1.", "version", "python")
	jobs          = describe("jobs", "Jobs the daemon remembers, by state.", "state")
	scrapeOK      = describe("scrape_collector_success", "Whether the journal could be asked.")
	calls         = describe("python_calls_total", "Calls into the embedded Python that have returned.", "result")
	callsQueued   = describe("python_calls_queued", "Calls that wait for the embedded Python.")
	pythonBusy    = describe("python_busy", "1 while the embedded Python works on a call.")
	step          = describe("training_step", "The newest step, counted over all epochs.", "job")
	stepsPlanned  = describe("training_planned_steps", "The step at which the training is complete, over all epochs.", "job")
	loss          = describe("training_loss", "The loss of the newest step.", "job")
	learningRate  = describe("training_learning_rate", "The learning rate of the newest step.", "job")
	lossScale     = describe("training_loss_scale", "The loss scale of the newest step.", "job")
	globalNorm    = describe("training_global_norm", "The gradient norm of the newest step.", "job")
	overflow      = describe("training_overflow_steps_total", "Steps whose gradients overflowed.", "job")
	nonFinite     = describe("training_nonfinite_loss_steps_total", "Steps whose loss was not finite.", "job")
	samplesPS     = describe("training_samples_per_second", "Throughput as the training itself reports it.", "job")
	phase         = describe("training_phase", "1 for the phase the training is in, 0 for the others.", "job", "phase")
	phaseSeconds  = describe("training_phase_seconds", "Seconds since the training entered its phase.", "job")
	secondsLeft   = describe("training_left_seconds", "Seconds until the last step, at the median speed of the newest steps.", "job")
	lastStepTime  = describe("training_last_step_timestamp_seconds", "When the newest step was logged, in seconds since 1970.", "job")
	checkpoints   = describe("training_checkpoints_total", "Checkpoints that were seen complete.", "job")
	alarms        = describe("training_watchdog_verdicts_total", "What watchdogs found since the daemon began, by watchdog.", "job", "watchdog")
	ckptBytes     = describe("training_last_checkpoint_bytes", "Size of the newest complete checkpoint.", "job")
	ckptStep      = describe("training_last_checkpoint_step", "Step of the newest complete checkpoint.", "job")
	ckptTimestamp = describe("training_last_checkpoint_timestamp_seconds", "When the newest complete checkpoint was seen, in seconds since 1970.", "job")
	stepSeconds   = describe("training_step_seconds", "Durations of steps as the training logs them.", "job")
)

type collector struct {
	Source
	now func() time.Time
}

// Describe sends nothing: which series there are depends on the trainings.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

func (c *collector) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	v := c.Version()
	gauge(buildInfo, 1, v.Version, v.Python)

	p := c.Calls()
	counter(calls, float64(p.Succeeded), "ok")
	counter(calls, float64(p.Failed), "error")
	gauge(callsQueued, float64(p.Queued))
	gauge(pythonBusy, truth(p.Busy))

	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	counts, err := c.Jobs(ctx)
	gauge(scrapeOK, truth(err == nil))
	for _, s := range states {
		if err == nil {
			gauge(jobs, float64(counts[s]), string(s))
		}
	}
	for _, t := range c.Trainings() {
		c.training(t, gauge, counter)
		if t.Count > 0 {
			out <- prometheus.MustNewConstHistogram(stepSeconds, t.Count, t.Seconds, t.Steps, t.Job)
		}
	}
}

type send func(d *prometheus.Desc, v float64, labels ...string)

// training sends what is known of one training; what its log does not say has
// no series.
func (c *collector) training(t engine.Training, gauge, counter send) {
	counter(overflow, float64(t.OverflowSteps), t.Job)
	counter(nonFinite, float64(t.NonFinite), t.Job)
	counter(checkpoints, float64(t.Complete), t.Job)
	for watchdog, n := range t.Alarms {
		counter(alarms, float64(n), t.Job, watchdog)
	}
	for _, p := range phases {
		gauge(phase, truth(t.Phase == p), t.Job, string(p))
	}
	if !t.PhaseSince.IsZero() {
		gauge(phaseSeconds, c.now().Sub(t.PhaseSince).Seconds(), t.Job)
	}
	if n := t.Newest; n != nil {
		gauge(ckptBytes, float64(n.Bytes), t.Job)
		gauge(ckptStep, float64(n.Step), t.Job)
		gauge(ckptTimestamp, seconds(n.Seen), t.Job)
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
	for d, v := range map[*prometheus.Desc]*api.Float{learningRate: p.LR, lossScale: p.LossScale, globalNorm: p.GlobalNorm, secondsLeft: t.SecondsLeft} {
		if v != nil {
			gauge(d, float64(*v), t.Job)
		}
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func seconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }
