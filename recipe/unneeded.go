package recipe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
)

// A step with `keep: false` makes something in between: weights that are merged
// and then converted, for example. Its files are removed as soon as all steps
// that need them have succeeded, and made again in a later job only if one of
// those has to run. What the outputs were is remembered, for the keys of other
// steps and their texts follow from them.

// removable says whether a step's result is removed when nothing needs it.
func (r *runner) removable(step Step) bool {
	if step.Keep == "" {
		return false
	}
	keep, err := expand(step.Keep, r.value)
	yes, ok := yesOrNo(keep)
	return err == nil && ok && !yes
}

// yesOrNo is what keep says. Unlike a condition it is not yes because it says
// anything: what is mistyped shall neither fill a disk nor remove a file.
func yesOrNo(text string) (yes, ok bool) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true", "yes", "on", "1":
		return true, true
	case "false", "no", "off", "0":
		return false, true
	}
	return false, false
}

// keepProblem says that keep is neither yes nor no, nil if it is, or not known.
func (r *runner) keepProblem(step Step) error {
	keep, err := expand(step.Keep, r.value)
	if _, ok := yesOrNo(keep); step.Keep == "" || err != nil || ok || r.preview && !known(keep) {
		return err
	}
	return &Problem{
		Code: CodeInvalid, Message: fmt.Sprintf("the step %s: keep must be true or false, not %q", step.ID, keep),
		Remedy: "correct it, or the variable that it is made of", Source: r.job.Recipe.at[step.path+".keep"].source(),
	}
}

// hold keeps a result that may be removed while the job uses it.
func (r *runner) hold(step Step, key string) {
	if key != "" && r.held[step.ID] == nil && r.removable(step) {
		r.held[step.ID] = r.host.Results().Hold(key)
	}
}

func (r *runner) letGo() {
	for _, release := range r.held {
		release()
	}
}

// removeUnneeded removes what no later step of the job needs any more.
func (r *runner) removeUnneeded(ctx context.Context) {
	for _, step := range r.job.Recipe.Steps {
		status := r.done[step.ID]
		if r.held[step.ID] == nil || status.State == "" || !r.usersDone(step) {
			continue
		}
		if !removed(status.Outputs) {
			if err := r.host.Results().Remove(ctx, status.Key); err != nil {
				r.host.Output(step.ID, "its result cannot be removed: "+err.Error())
				continue
			}
			if removed(status.Outputs) {
				r.host.Output(step.ID, "its result was removed: all that needed it is done")
			}
		}
		r.held[step.ID]()
		delete(r.held, step.ID)
	}
}

// usersDone says whether all steps that need a result have succeeded; a result
// that no step needs is what the recipe is for, and stays.
func (r *runner) usersDone(step Step) bool {
	users := r.users(step)
	for _, user := range users {
		if _, ok := r.done[user.ID]; !ok {
			return false
		}
	}
	return len(users) > 0
}

// users are the steps that refer to a step's outputs, by way of others too if
// those hand on a path within its result.
func (r *runner) users(step Step) (users []Step) {
	within := ""
	if manifest := r.done[step.ID].Outputs[manifestOutput]; manifest != "" {
		within = filepath.Dir(manifest)
	}
	from := map[string]bool{step.ID: true}
	for _, user := range r.job.Recipe.Order() {
		uses := false
		for id := range referred(user) {
			uses = uses || from[id]
		}
		if !uses {
			continue
		}
		users = append(users, user)
		for name, value := range r.done[user.ID].Outputs {
			if within != "" && name != manifestOutput && (value == within || strings.HasPrefix(value, within+string(filepath.Separator))) {
				from[user.ID] = true
			}
		}
	}
	return users
}

// referred are the ids of the steps whose outputs a step refers to.
func referred(step Step) map[string]bool {
	ids := map[string]bool{}
	note := func(name string) (string, error) {
		if id, _, ok := outputReference(name); ok {
			ids[id] = true
		}
		return "", nil
	}
	_, _ = expandAll(step.With, note) // note never fails
	for _, text := range []string{step.Environment, step.When, step.Unless} {
		_, _ = expand(text, note)
	}
	for _, text := range step.Env {
		_, _ = expand(text, note)
	}
	return ids
}

// removed says whether the files of a result are gone, all of them.
func removed(outputs map[string]string) bool {
	_, err := os.Lstat(filepath.Dir(outputs[manifestOutput]))
	return errors.Is(err, fs.ErrNotExist)
}

// wanted says whether a result that is not there must be made: whether a step
// that needs it would run if it were there.
func (r *runner) wanted(ctx context.Context, step Step, key string, outputs map[string]string) bool {
	if r.supposed {
		return false
	}
	look := *r
	look.preview, look.supposed = true, true
	look.done, look.promised = maps.Clone(r.done), newPromises()
	look.done[step.ID] = StepStatus{ID: step.ID, State: StepSkipped, Key: key, Outputs: outputs}
	plans := map[string]StepPlan{}
	for _, later := range r.job.Recipe.Order() {
		if _, done := look.done[later.ID]; !done {
			plans[later.ID] = look.plan(ctx, later)
		}
	}
	var needed func(Step) bool
	needed = func(step Step) bool {
		for _, user := range look.users(step) {
			p, later := plans[user.ID]
			switch {
			case !later || p.LeftOut:
			case !p.Cached:
				return true
			case removed(look.done[user.ID].Outputs) && needed(user):
				return true
			}
		}
		return false
	}
	return needed(step)
}
