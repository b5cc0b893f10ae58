package engine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"ftd/api"
	"ftd/api/secret"
	"ftd/daemon/journal"
	"ftd/recipe"
)

// Submit checks what is asked for, stores it as a job, and puts it in line.
func (e *Engine) Submit(ctx context.Context, s api.Submit) (api.Job, error) {
	return e.submit(ctx, s, journal.Submission{})
}

func (e *Engine) submit(ctx context.Context, s api.Submit, asked journal.Submission) (api.Job, error) {
	s, r, err := accepted(s)
	if err != nil {
		return api.Job{}, err
	}
	id, err := e.newID(ctx)
	if err != nil {
		return api.Job{}, err
	}
	job := api.Job{
		ID: id, Name: s.Name, Recipe: r.Name, State: api.StateQueued, Vars: secret.Vars(s.Vars), Priority: s.Priority,
		Created: time.Now().UTC(), Dir: e.State.Job(id),
	}
	if job.Name == "" {
		job.Name = r.Name
	}
	for _, step := range r.Order() {
		job.Steps = append(job.Steps, api.Step{ID: step.ID, Uses: step.Uses, State: api.StateQueued, Isolation: step.Isolation})
	}
	return e.accept(ctx, job, s, asked)
}

// accepted checks what is asked for, and returns the recipe that it is.
func accepted(s api.Submit) (api.Submit, *recipe.Recipe, error) {
	if err := checkSubmit(s); err != nil {
		return s, nil, err
	}
	// A built-in recipe is stored as it is today: the daemon that carries the
	// job on may be another version.
	if s.Recipe != "" {
		source, err := recipe.Source(s.Recipe)
		if err != nil {
			return s, nil, refusal(err)
		}
		s.Text = string(source)
	}
	r, err := recipeOf(s)
	if err == nil {
		_, err = r.Values(s.Vars)
	}
	if err == nil {
		_, err = r.After(s.From)
	}
	if err == nil {
		err = recipe.KnownChecks(s.SkipChecks)
	}
	if err != nil {
		return s, nil, refusal(err)
	}
	return s, r, nil
}

func (e *Engine) accept(ctx context.Context, job api.Job, s api.Submit, asked journal.Submission) (api.Job, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return api.Job{}, api.Errorf(api.CodeUnreachable, "the daemon is shutting down").WithRemedy("try again when it is back")
	}
	if err := os.MkdirAll(job.Dir, 0o700); err != nil {
		return api.Job{}, api.Errorf(api.CodeDiskFull, "the job's directory cannot be made: %v", err).
			WithRemedy("free some space in the state directory")
	}
	var err error
	if asked.Key == "" {
		err = e.Journal.CreateJob(ctx, job, s)
	} else {
		err = e.Journal.CreateJobOnce(ctx, job, s, asked)
	}
	if err != nil {
		os.Remove(job.Dir)
		return api.Job{}, err
	}
	e.Log.Info().Str("job", job.ID).Str("name", job.Name).Msg("job accepted")
	// As it is before its first event: whoever follows it from here is told of
	// every one, however soon it is at work.
	stored, err := e.Journal.Job(ctx, job.ID)
	e.queue.add(job)
	e.schedule()
	if err == nil {
		e.addQueue(&stored)
	}
	return stored, err
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
	for _, p := range []struct{ name, path string }{{"base", s.Base}, {"dir", s.Dir}} {
		if p.path != "" && !filepath.IsAbs(p.path) {
			return api.Errorf(api.CodeBadRequest, "%s must be an absolute path, not %q", p.name, p.path)
		}
	}
	if s.Priority < -api.MaxPriority || s.Priority > api.MaxPriority {
		return api.Errorf(api.CodeBadRequest, "priority must be from -%d to %d, not %d", api.MaxPriority, api.MaxPriority, s.Priority).
			WithRemedy("give a number in between; jobs of the same priority run in the order in which they came")
	}
	if s.Cards != nil && *s.Cards < 0 {
		return api.Errorf(api.CodeBadRequest, "cards must be a number from 0, not %d", *s.Cards)
	}
	if len(s.Command) == 0 {
		if s.Cards != nil {
			return api.Errorf(api.CodeBadRequest, "cards belongs to a command").WithRemedy("say cards: in the train step of the recipe")
		}
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
		r := recipe.ForCommand(s.Command, s.Dir, s.Name)
		if s.Cards != nil {
			r.Steps[0].With["cards"] = int64(*s.Cards)
		}
		return r, nil
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
