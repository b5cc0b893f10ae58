package engine

import (
	"maps"
	"sync"
	"time"

	"ftd/api"
)

// keepEnded is how long the numbers of a training that has ended can still be
// scraped, so that its last ones are not missed.
const keepEnded = 5 * time.Minute

// live holds what is known of the trainings at work, for the metrics: a scrape
// reads memory only.
type live struct {
	mu   sync.Mutex
	jobs map[string]*liveJob
}

type liveJob struct {
	attempt     string
	tracker     tracker
	checkpoints []api.Checkpoint
	alarms      map[string]uint64 // by watchdog, over all attempts
	ended       time.Time
}

func newLive() *live { return &live{jobs: map[string]*liveJob{}} }

// at returns the entry of an attempt, a new one in place of an earlier
// attempt's. The caller holds mu.
func (l *live) at(job, attempt string) *liveJob {
	j := l.jobs[job]
	if j == nil || j.attempt != attempt {
		next := &liveJob{attempt: attempt, tracker: newTracker(), alarms: map[string]uint64{}}
		if j != nil {
			next.alarms = j.alarms
		}
		j = next
		l.jobs[job] = j
	}
	return j
}

func (l *live) alarm(job, attempt, watchdog string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at(job, attempt).alarms[watchdog]++
}

func (l *live) update(job, attempt string, t tracker) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at(job, attempt).tracker = t
}

func (l *live) checkpoints(job, attempt string, list []api.Checkpoint) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at(job, attempt).checkpoints = list
}

func (l *live) tracker(job, attempt string) tracker {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.at(job, attempt).tracker
}

// end begins the time after which a job's numbers are dropped.
func (l *live) end(job string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if j := l.jobs[job]; j != nil {
		j.ended = time.Now()
	}
}

func (l *live) forget(job string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.jobs, job)
}

// Training is what the metrics show of a training.
type Training struct {
	Job string
	api.Training
	// Complete are the checkpoints that verified, Newest the last of them.
	Complete int
	Newest   *api.Checkpoint
	// Steps is a histogram of step durations in seconds: how many took at
	// most the bound; Count and Seconds are over all.
	Steps   map[float64]uint64
	Count   uint64
	Seconds float64
	// Alarms counts what watchdogs found since the daemon began, by watchdog.
	Alarms map[string]uint64
}

// Trainings returns the trainings at work, and those that ended a moment ago.
func (e *Engine) Trainings() []Training {
	e.live.mu.Lock()
	defer e.live.mu.Unlock()
	var list []Training
	for job, j := range e.live.jobs {
		if !j.ended.IsZero() && time.Since(j.ended) > keepEnded {
			delete(e.live.jobs, job)
			continue
		}
		list = append(list, j.show(job))
	}
	return list
}

func (j *liveJob) show(job string) Training {
	t := Training{Job: job, Training: j.tracker.summary(j.attempt), Steps: map[float64]uint64{}, Alarms: maps.Clone(j.alarms)}
	for i := range j.checkpoints {
		if j.checkpoints[i].Complete {
			t.Complete++
			t.Newest = &j.checkpoints[i]
		}
	}
	r := j.tracker.lead()
	t.Seconds = r.Seconds
	for i, n := range r.Steps {
		t.Count += n
		if i < len(stepBuckets) {
			t.Steps[stepBuckets[i]] = t.Count
		}
	}
	return t
}
