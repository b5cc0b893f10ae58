package main

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ftd/api"
	"ftd/checkpoint"
)

// trainedSet is a checkpoint with what is known of the training at its step.
type trainedSet struct {
	checkpoint.Set
	// Loss is the training's loss at that step; nil where only the files are
	// known.
	Loss *api.Float `json:"loss"`
	// foreign is set where a job is asked for and did not write it.
	foreign bool
}

// jobSets finds the checkpoints that a job's training wrote, each with the loss
// at its step.
func jobSets(c *cobra.Command, ranks int, ref string) ([]trainedSet, error) {
	client := connect(c)
	defer client.Close()
	job, err := client.Job(c.Context(), ref)
	if err != nil {
		return nil, err
	}
	losses := map[int64]api.Float{}
	for p, err := range client.Points(c.Context(), job.ID, api.PointsQuery{}) {
		if err != nil {
			return nil, err
		}
		losses[p.GlobalStep] = p.Loss // a step that was done again counts as it was last
	}
	found, err := during(c, "reading the checkpoints of "+ref, 0, func() ([]checkpoint.Set, error) {
		return checkpoint.SetsBelow(c.Context(), checkpointDirs(job), ranks, checkpoint.Options{})
	})
	if err != nil {
		return nil, ckptError(err)
	}
	sets := make([]trainedSet, len(found))
	for i, set := range found {
		sets[i] = trainedSet{Set: set, foreign: !wrote(job, set)}
		if set.Step != nil {
			if loss, ok := losses[*set.Step]; ok {
				sets[i].Loss = &loss
			}
		}
	}
	if len(sets) == 0 {
		return nil, api.Errorf(api.CodeNotFound, "job %s has no training checkpoint", job.ID).
			WithRemedy("see what it wrote in %s", job.Dir)
	}
	return sets, nil
}

// checkpointDirs are the directories below which a job's checkpoints are: its
// own, and those of a command that works somewhere else.
func checkpointDirs(job *api.Job) []string {
	dirs := []string{job.Dir}
	if job.Training == nil {
		return dirs
	}
	for _, seen := range job.Training.Checkpoints {
		dir := filepath.Dir(filepath.Dir(seen.Path)) // above rank_N
		if !strings.HasPrefix(seen.Path, job.Dir+"/") && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// wrote says whether a job wrote a checkpoint: it lies in the job's directory,
// or the daemon saw each of its files being made.
func wrote(job *api.Job, set checkpoint.Set) bool {
	for _, f := range set.Files {
		seen := job.Training != nil && slices.ContainsFunc(job.Training.Checkpoints, func(c api.Checkpoint) bool {
			return c.Path == f.Path && c.Bytes == f.Bytes && !f.Modified.After(c.Seen)
		})
		if !seen && !strings.HasPrefix(f.Path, job.Dir+"/") {
			return false
		}
	}
	return true
}
