package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ftd/api"
	"ftd/daemon/statedir"
	"ftd/recipe"
)

// Stop asks a job to stop. One that waits is stopped at once; one that runs is
// stopping until its training has ended.
func (e *Engine) Stop(ctx context.Context, ref string) (api.Job, error) {
	id, err := e.Journal.Resolve(ctx, ref)
	if err != nil {
		return api.Job{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	state := api.StateStopping
	cancel, running := e.running[id]
	if !running {
		state = api.StateStopped
	}
	moved, err := e.Journal.SetJob(ctx, id, state, nil)
	if err != nil {
		return api.Job{}, err
	}
	job, err := e.Journal.Job(ctx, id)
	if err != nil {
		return api.Job{}, err
	}
	if !moved {
		return api.Job{}, api.Errorf(api.CodeConflict, "the job %s has ended already: it is %s", job.Name, job.State)
	}
	e.Log.Info().Str("job", id).Msg("asked to stop")
	if running {
		cancel(recipe.ErrStop)
	} else {
		e.queue.remove(id)
	}
	return job, nil
}

// removed begins the name of a directory that is being deleted.
const removed = ".removed-"

// Remove forgets a job that has ended and deletes its directory. Checkpoints
// are what people wait days for: they are deleted only if that was said.
func (e *Engine) Remove(ctx context.Context, ref string, checkpoints bool) error {
	id, err := e.Journal.Resolve(ctx, ref)
	if err != nil {
		return err
	}
	// `ftctl wait JOB && ftctl rm JOB` may come before we have let go of the job.
	if err := e.untilPutAway(ctx, id); err != nil {
		return err
	}
	aside, err := e.setAside(ctx, id, checkpoints)
	if err != nil {
		return err
	}
	// Without the lock: to delete a hundred gigabytes takes a while, and nobody
	// else's job is to wait for that.
	return os.RemoveAll(aside)
}

// setAside forgets a job, and returns where its directory is now, which is to be
// deleted.
func (e *Engine) setAside(ctx context.Context, id string, checkpoints bool) (aside string, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	job, err := e.Journal.Job(ctx, id)
	if err != nil {
		return "", err
	}
	if _, running := e.running[id]; running || !job.State.Ended() {
		return "", api.Errorf(api.CodeConflict, "the job %s is %s", job.Name, job.State).
			WithRemedy("stop it first: ftctl stop %s", id)
	}
	if !checkpoints {
		if path, n := findCheckpoints(job.Dir); n > 0 {
			return "", api.Errorf(api.CodeConflict, "the job %s has %d checkpoint files in its directory, such as %s", job.Name, n, path).
				WithRemedy("copy what you need, then: ftctl rm --checkpoints %s", id)
		}
	}
	// Renamed first: whatever happens from here on, there is never a job
	// whose directory is half deleted.
	aside = filepath.Join(filepath.Dir(job.Dir), removed+id)
	if err := os.Rename(job.Dir, aside); err != nil && !os.IsNotExist(err) {
		return "", fmt.Errorf("the job's directory cannot be deleted: %w", err)
	}
	if err := e.Journal.RemoveJob(ctx, id); err != nil {
		_ = os.Rename(aside, job.Dir)
		return "", err
	}
	e.live.forget(id)
	e.Log.Info().Str("job", id).Msg("job removed")
	return aside, nil
}

// findCheckpoints counts the checkpoint files below a directory, and names one.
func findCheckpoints(dir string) (one string, n int) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && (strings.HasSuffix(path, ".ckpt") || strings.HasSuffix(path, ".safetensors")) {
			one = path
			n++
		}
		return nil // what cannot be read is not a reason to stop looking
	})
	return one, n
}

// sweep deletes what an interrupted deletion or an unfinished result left.
func (e *Engine) sweep() {
	e.sweepIn(filepath.Dir(e.State.Job("x")), removed)
	e.sweepIn(e.State.Results(), unfinished)
	for _, place := range e.Installation.Places {
		e.sweepIn(statedir.ResultsIn(place), unfinished)
	}
}

// sweepIn deletes what has a name in dir that begins so. Not by a pattern: the
// path may hold characters that mean something there.
func (e *Engine) sweepIn(dir, prefix string) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		e.Log.Warn().Err(err).Msg("leftovers cannot be looked for")
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), prefix) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
			e.Log.Warn().Err(err).Msg("a leftover could not be deleted")
		}
	}
}

// Call calls a function of the daemon's Python for a person.
func (e *Engine) Call(ctx context.Context, r api.CallRequest) (api.CallResult, error) {
	began := time.Now()
	value, output, err := e.Python.Query(ctx, r)
	if err != nil {
		return api.CallResult{}, refusal(err)
	}
	return api.CallResult{Result: value, Output: output, Seconds: time.Since(began).Seconds()}, nil
}
