package engine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"ftd/api"
	"ftd/recipe"
)

// Submit checks what is asked for, stores it as a job, and puts it in line.
func (e *Engine) Submit(ctx context.Context, s api.Submit) (api.Job, error) {
	if err := checkSubmit(s); err != nil {
		return api.Job{}, err
	}
	// A built-in recipe is stored as it is today: the daemon that carries the
	// job on may be another version.
	if s.Recipe != "" {
		source, err := recipe.Source(s.Recipe)
		if err != nil {
			return api.Job{}, refusal(err)
		}
		s.Text = string(source)
	}
	r, err := recipeOf(s)
	if err == nil {
		_, err = r.Values(s.Vars)
	}
	if err != nil {
		return api.Job{}, refusal(err)
	}
	id := strings.ToLower(ulid.Make().String())
	job := api.Job{
		ID: id, Name: s.Name, Recipe: r.Name, State: api.StateQueued, Vars: s.Vars,
		Created: time.Now().UTC(), Dir: e.State.Job(id),
	}
	if job.Name == "" {
		job.Name = r.Name
	}
	for _, step := range r.Order() {
		job.Steps = append(job.Steps, api.Step{ID: step.ID, Uses: step.Uses, State: api.StateQueued, Isolation: step.Isolation})
	}
	return e.accept(ctx, job, s)
}

func (e *Engine) accept(ctx context.Context, job api.Job, s api.Submit) (api.Job, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return api.Job{}, api.Errorf(api.CodeUnreachable, "the daemon is shutting down").WithRemedy("try again when it is back")
	}
	if err := os.MkdirAll(job.Dir, 0o700); err != nil {
		return api.Job{}, api.Errorf(api.CodeDiskFull, "the job's directory cannot be made: %v", err).
			WithRemedy("free some space in the state directory")
	}
	if err := e.Journal.CreateJob(ctx, job, s); err != nil {
		os.Remove(job.Dir)
		return api.Job{}, err
	}
	e.Log.Info().Str("job", job.ID).Str("name", job.Name).Msg("job accepted")
	e.waiting = append(e.waiting, job.ID)
	e.schedule()
	return e.Journal.Job(ctx, job.ID)
}

func checkSubmit(s api.Submit) error {
	given := 0
	for _, set := range []bool{s.Recipe != "", s.Text != "", len(s.Command) > 0} {
		if set {
			given++
		}
	}
	if given != 1 {
		return api.Errorf(api.CodeBadRequest, "a job is exactly one of recipe, text and command")
	}
	for name, path := range map[string]string{"base": s.Base, "dir": s.Dir} {
		if path != "" && !filepath.IsAbs(path) {
			return api.Errorf(api.CodeBadRequest, "%s must be an absolute path, not %q", name, path)
		}
	}
	if len(s.Command) == 0 {
		return nil
	}
	if s.Dir == "" {
		return api.Errorf(api.CodeBadRequest, "a command needs dir, the directory to run it in")
	}
	if info, err := os.Stat(s.Dir); err != nil || !info.IsDir() {
		return api.Errorf(api.CodeBadRequest, "there is no directory %s to run the command in", s.Dir)
	}
	return nil
}

// recipeOf is what a job carries out.
func recipeOf(s api.Submit) (*recipe.Recipe, error) {
	switch {
	case len(s.Command) > 0:
		return recipe.ForCommand(s.Command, s.Dir, s.Name), nil
	case s.Recipe != "":
		return recipe.Parse(s.Recipe+".yaml", []byte(s.Text))
	}
	return recipe.Parse("recipe", []byte(s.Text))
}

// base is where a job's relative paths start from.
func base(s api.Submit, dir string) string {
	if s.Base != "" {
		return s.Base
	}
	return dir
}

// refusal is the error of a recipe that cannot be carried out.
func refusal(err error) error {
	var p *recipe.Problem
	if errors.As(err, &p) {
		return apiError(p)
	}
	return err
}

// Recipes lists the recipes that are built in.
func (e *Engine) Recipes() ([]api.Recipe, error) {
	list := []api.Recipe{}
	for _, name := range recipe.List() {
		r, err := recipe.Load(name)
		if err != nil {
			return nil, refusal(err)
		}
		entry := api.Recipe{Name: name, Description: r.Description, Vars: map[string]string{}}
		for _, v := range r.Vars {
			entry.Vars[v.Name] = v.Default
		}
		for _, s := range r.Order() {
			entry.Steps = append(entry.Steps, s.ID)
		}
		list = append(list, entry)
	}
	return list, nil
}
