package engine

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"

	"ftd/api"
	"ftd/daemon/journal"
)

// Job returns a job with all that is known of it at this moment.
func (e *Engine) Job(ctx context.Context, ref string) (api.Job, error) {
	id, err := e.Journal.Resolve(ctx, ref)
	if err != nil {
		return api.Job{}, err
	}
	job, err := e.Journal.Job(ctx, id)
	if err != nil {
		return job, err
	}
	e.addQueue(&job)
	for i := range job.Steps {
		if s := &job.Steps[i]; s.State == api.StateRunning {
			s.Progress = e.chatter.progressOf(id, s.ID)
		}
	}
	trainings, err := e.Journal.Trainings(ctx, id, id)
	if err != nil {
		return job, err
	}
	if err := e.addTraining(&job, trainings); err != nil || job.Training == nil {
		return job, err
	}
	if job.Training.Alarms, err = e.Journal.Alarms(ctx, id); err != nil {
		return job, err
	}
	job.Training.Disk = e.live.outlook(id, job.Training.Attempt)
	job.Training.Checkpoints, err = e.Journal.Checkpoints(ctx, id, job.Training.Attempt)
	for i := range job.Training.Checkpoints {
		// MindSpore deletes old ones itself, and so may a person.
		c := &job.Training.Checkpoints[i]
		_, err := os.Lstat(c.Path)
		c.Gone = c.Gone || errors.Is(err, fs.ErrNotExist)
	}
	return job, err
}

// Jobs lists jobs without their steps and checkpoints, the newest first.
func (e *Engine) Jobs(ctx context.Context, q api.JobsQuery) ([]api.Job, error) {
	jobs, err := e.Journal.Jobs(ctx, journal.JobsQuery{Active: q.Active, Before: q.Before, Limit: q.Limit})
	for i := range jobs {
		e.addQueue(&jobs[i])
	}
	if err != nil || len(jobs) == 0 {
		return jobs, err
	}
	// To fetch what is at work from the journal would take most of the time.
	var others []*api.Job
	for i := range jobs {
		if jobs[i].Training = e.live.summary(jobs[i].ID); jobs[i].Training == nil {
			others = append(others, &jobs[i])
		}
	}
	if len(others) == 0 {
		return jobs, nil
	}
	trainings, err := e.Journal.Trainings(ctx, others[len(others)-1].ID, others[0].ID)
	if err != nil {
		return nil, err
	}
	for _, job := range others {
		if err := e.addTraining(job, trainings); err != nil {
			return nil, err
		}
	}
	return jobs, nil
}

func (e *Engine) addTraining(job *api.Job, trainings map[string]journal.Attempt) error {
	a, ok := trainings[job.ID]
	if !ok {
		return nil
	}
	t := newTracker()
	if err := json.Unmarshal(a.Tracker, &t); err != nil {
		return err
	}
	summary := t.summary(a.ID)
	job.Training = &summary
	return nil
}
