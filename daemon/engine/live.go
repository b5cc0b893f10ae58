package engine

import (
	"slices"
	"sync"
	"time"

	"ftd/api"
)

// keepEnded is how long the numbers of a training that has ended can still be
// scraped, so that its last ones are not missed.
const keepEnded = 5 * time.Minute

// maxEnded is how many of those there may be: two thousand short jobs would
// otherwise be a hundred thousand series.
const maxEnded = 100

// live holds what is known of the trainings at work, for the metrics and for
// lists of jobs: these read memory only.
type live struct {
	mu   sync.Mutex
	jobs map[string]*liveJob
}

type liveJob struct {
	attempt     string
	tracker     tracker
	checkpoints []api.Checkpoint
	disk        *api.Disk
	alarms      map[string]uint64 // by watchdog, over all attempts
	written     time.Duration     // how long the newest checkpoint was being written, 0 if that is not known
	name        string            // of the job
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
			next.alarms, next.name = j.alarms, j.name
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

func (l *live) wrote(job, attempt string, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at(job, attempt).written = took
}

// named notes what the job is called.
func (l *live) named(job, attempt, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at(job, attempt).name = name
}

func (l *live) disk(job, attempt string, d api.Disk) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at(job, attempt).disk = &d
}

// outlook is how long the disk will last for a training at work; nil if that
// is not known.
func (l *live) outlook(job, attempt string) *api.Disk {
	l.mu.Lock()
	defer l.mu.Unlock()
	if j := l.jobs[job]; j != nil && j.attempt == attempt && j.ended.IsZero() {
		return j.disk
	}
	return nil
}

func (l *live) tracker(job, attempt string) tracker {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.at(job, attempt).tracker
}

// summary is what a job's training amounts to, as the journal has it too; nil
// if none is at work.
func (l *live) summary(job string) *api.Training {
	l.mu.Lock()
	defer l.mu.Unlock()
	j := l.jobs[job]
	if j == nil || !j.ended.IsZero() || len(j.tracker.Ranks) == 0 {
		return nil
	}
	s := j.tracker.summary(j.attempt)
	return &s
}

// end begins the time after which a job's numbers are dropped.
func (l *live) end(job string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if j := l.jobs[job]; j != nil {
		j.ended = time.Now()
	}
	l.tidy()
}

// tidy drops what is not to be seen any more. The caller holds mu.
func (l *live) tidy() {
	var ended []string
	for job, j := range l.jobs {
		switch {
		case j.ended.IsZero():
		case time.Since(j.ended) > keepEnded:
			delete(l.jobs, job)
		default:
			ended = append(ended, job)
		}
	}
	if len(ended) <= maxEnded {
		return
	}
	slices.SortFunc(ended, func(a, b string) int { return l.jobs[a].ended.Compare(l.jobs[b].ended) })
	for _, job := range ended[:len(ended)-maxEnded] {
		delete(l.jobs, job)
	}
}

func (l *live) forget(job string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.jobs, job)
}
