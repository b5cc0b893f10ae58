package engine

import (
	"maps"
	"strconv"
	"strings"
	"time"

	"ftd/api"
)

// Training is what the metrics show of a training.
type Training struct {
	Job, Name string
	api.Training
	// Complete are the checkpoints that verified, Newest the last of them.
	Complete int
	Newest   *api.Checkpoint
	// Steps is a histogram of step durations in seconds: how many took at
	// most the bound; Count and Seconds are over all.
	Steps   map[float64]uint64
	Count   uint64
	Seconds float64
	// Written is how long the newest checkpoint was being written; 0 if the
	// filesystem does not say when a file was made.
	Written time.Duration
	// TokensPerSec is the speed of one device, 0 if the log does not say how
	// long a sample is; padding counts.
	TokensPerSec float64
	// Attempts is how many times the training was begun.
	Attempts int
	// Alarms counts what watchdogs found since the daemon began, by watchdog.
	Alarms map[string]uint64
}

// Trainings returns the trainings at work, and those that ended a moment ago.
func (e *Engine) Trainings() []Training {
	e.live.mu.Lock()
	defer e.live.mu.Unlock()
	e.live.tidy()
	var list []Training
	for job, j := range e.live.jobs {
		list = append(list, j.show(job))
	}
	return list
}

func (j *liveJob) show(job string) Training {
	t := Training{Job: job, Training: j.tracker.summary(j.attempt), Steps: map[float64]uint64{}, Alarms: maps.Clone(j.alarms)}
	t.Name, t.Disk, t.Written = j.name, j.disk, j.written
	t.Attempts = numberOf(j.attempt)
	for i := range j.checkpoints {
		if j.checkpoints[i].Complete {
			t.Complete++
			t.Newest = &j.checkpoints[i]
		}
	}
	r := j.tracker.lead()
	t.Seconds = r.Seconds
	t.SamplesPerSec = api.Float(r.samplesPerSecond())
	t.TokensPerSec = r.samplesPerSecond() * r.SeqLength
	for i, n := range r.Steps {
		t.Count += n
		if i < len(stepBuckets) {
			t.Steps[stepBuckets[i]] = t.Count
		}
	}
	return t
}

// numberOf is which attempt of its step an attempt is: 2 of "train.2".
func numberOf(attempt string) int {
	n, _ := strconv.Atoi(attempt[strings.LastIndexByte(attempt, '.')+1:])
	return n
}
