package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ftd/api"
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
	callSeconds   = describe("python_call_seconds_total", "What those calls took, their time in line included.")
	guardRefusals = describe("python_guard_refusals_total", "What Python's libraries tried to do to the daemon and were kept from: changing its signal handlers, sending it signals, taking its children's exit statuses.", "what")
	pythonMemory  = describe("python_memory_bytes", "By how much the daemon has grown since before Python was loaded; 0 without Python.")
	streams       = describe("streams", "Readers of events and logs on the socket.")
	journalBytes  = describe("journal_bytes", "Size of the journal.")
	stateFree     = describe("state_disk_free_bytes", "Free space on the disk of the state directory.")
	scrapeSeconds = describe("scrape_collector_duration_seconds", "What it took to ask the journal.")
	queueLength   = describe("queue_length", "Jobs in line, by what they wait for.", "for")
	queueWait     = describe("queue_wait_seconds", "How long the job has waited that waits longest, by what it waits for.", "for")
	cardStates    = describe("cards", "Accelerator cards that may be handed out, by state.", "state")
	info          = describe("training_info", "The job's name; always 1.", "job_id", "name")
	attempts      = describe("training_attempts_total", "How many times the training was begun.", "job_id")
	tokensPS      = describe("training_tokens_per_second", "Throughput of one device in tokens, padding included; there only if the log says how long a sample is.", "job_id")
	compile       = describe("training_compile_seconds", "What compiling the graph took, or has taken so far.", "job_id")
	ckptAge       = describe("training_last_checkpoint_age_seconds", "Seconds since the newest complete checkpoint was seen.", "job_id")
	ckptWrite     = describe("training_last_checkpoint_write_seconds", "What writing the newest checkpoint took; there only if the filesystem keeps when a file was made.", "job_id")
	step          = describe("training_step", "The newest step, counted over all epochs.", "job_id")
	stepsPlanned  = describe("training_planned_steps", "The step at which the training is complete, over all epochs.", "job_id")
	loss          = describe("training_loss", "The loss of the newest step.", "job_id")
	learningRate  = describe("training_learning_rate", "The learning rate of the newest step.", "job_id")
	lossScale     = describe("training_loss_scale", "The loss scale of the newest step.", "job_id")
	globalNorm    = describe("training_global_norm", "The gradient norm of the newest step.", "job_id")
	overflow      = describe("training_overflow_steps_total", "Steps whose gradients overflowed.", "job_id")
	nonFinite     = describe("training_nonfinite_loss_steps_total", "Steps whose loss was not finite.", "job_id")
	samplesPS     = describe("training_samples_per_second", "Throughput of one device: as the training reports it, else by batch size and step time.", "job_id")
	phase         = describe("training_phase", "1 for the phase the training is in, 0 for the others.", "job_id", "phase")
	phaseSeconds  = describe("training_phase_seconds", "Seconds since the training entered its phase.", "job_id")
	secondsLeft   = describe("training_left_seconds", "Seconds until the last step, at the median speed of the newest steps.", "job_id")
	lastStepTime  = describe("training_last_step_timestamp_seconds", "When the newest step was logged, in seconds since 1970.", "job_id")
	checkpoints   = describe("training_checkpoints_total", "Checkpoints that were seen complete.", "job_id")
	alarms        = describe("training_watchdog_verdicts_total", "What watchdogs found since the daemon began, by watchdog.", "job_id", "watchdog")
	ckptBytes     = describe("training_last_checkpoint_bytes", "Size of the newest complete checkpoint.", "job_id")
	ckptStep      = describe("training_last_checkpoint_step", "Step of the newest complete checkpoint.", "job_id")
	ckptTimestamp = describe("training_last_checkpoint_timestamp_seconds", "When the newest complete checkpoint was seen, in seconds since 1970.", "job_id")
	diskFree      = describe("training_disk_free_bytes", "Free space on the disk that the training saves to.", "job_id")
	diskFull      = describe("training_disk_full_timestamp_seconds", "When that disk will be full, in seconds since 1970; there only if it will be.", "job_id")
	stepSeconds   = describe("training_step_seconds", "Durations of steps as the training logs them.", "job_id")
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
	counter(callSeconds, p.Seconds)
	gauge(pythonMemory, float64(p.Memory))
	for what, n := range p.Guard {
		counter(guardRefusals, float64(n), what)
	}
	d := c.Daemon()
	gauge(streams, float64(d.Streams))
	if d.Journal >= 0 {
		gauge(journalBytes, float64(d.Journal))
	}
	if d.Free >= 0 {
		gauge(stateFree, float64(d.Free))
	}

	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	began := c.now()
	counts, err := c.Jobs(ctx)
	gauge(scrapeSeconds, c.now().Sub(began).Seconds())
	gauge(scrapeOK, truth(err == nil))
	for _, s := range states {
		if err == nil {
			gauge(jobs, float64(counts[s]), string(s))
		}
	}
	for what, line := range c.Queues() {
		gauge(queueLength, float64(line.Length), what)
		wait := 0.0
		if !line.Oldest.IsZero() {
			wait = c.now().Sub(line.Oldest).Seconds()
		}
		gauge(queueWait, wait, what)
	}
	for state, n := range c.Cards() {
		gauge(cardStates, float64(n), state)
	}
	for _, t := range c.Trainings() {
		c.training(t, gauge, counter)
		if t.Count > 0 {
			out <- prometheus.MustNewConstHistogram(stepSeconds, t.Count, t.Seconds, t.Steps, t.Job)
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
