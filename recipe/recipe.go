package recipe

import (
	"fmt"
	"path/filepath"
	"slices"

	"ftd/recipe/nearest"
)

// APIVersion is what a recipe file must say at "apiVersion".
const APIVersion = "ftd/v1"

// Recipe is a recipe file. Make one by [Parse], [Load], [LoadFile] or
// [ForCommand]; those have been checked.
type Recipe struct {
	APIVersion  string
	Name        string
	Description string
	// Vars are the variables with their defaults, as they are written.
	Vars []Var
	// Env is added to the environment of every step.
	Env map[string]string
	// Steps are in the order of the file; see Order.
	Steps []Step

	at map[string]position // where a key is, by its path: "steps.0.with.data"
}

// Var is a variable of a recipe.
type Var struct {
	Name string
	// Default is its value unless another is given.
	Default string
	// Required says that there is no default: a value must be given.
	Required bool
}

// Step is one entry of "steps".
type Step struct {
	// ID names the step within the recipe: ${steps.ID.outputs.NAME}.
	ID string
	// Uses names the kind of step.
	Uses string
	// With holds the kind's parameters: texts, numbers, true or false, lists
	// and maps of them.
	With map[string]any
	// Needs lists the steps that must have succeeded: those the file lists,
	// or else the one before; and those that With and Env refer to.
	Needs []string
	// Env is added to the environment of the step.
	Env map[string]string
	// When and Unless decide whether the step is done at all: texts with
	// references, see [truth]. An empty When is none.
	When, Unless string
	// Environment is the prefix of another Python environment, in which the
	// step's Python runs; empty is the daemon's.
	Environment string
	// Keep says whether the result stays when all that needs it is done: a text
	// with references, see [yesOrNo]. An empty Keep is yes.
	Keep string
	// Isolation is "" (in the daemon's interpreter) or "worker".
	Isolation string

	path string // "steps.0"
}

// IsolationWorker is the Isolation of a step that runs in a process of its own.
const IsolationWorker = "worker"

// Order returns the steps so that each comes after those that it needs, and
// otherwise as in the file.
func (r *Recipe) Order() []Step {
	var order []Step
	done := map[string]bool{}
	var take func(Step)
	take = func(s Step) {
		if done[s.ID] {
			return
		}
		done[s.ID] = true
		for _, need := range s.Needs {
			if n, ok := r.step(need); ok {
				take(n)
			}
		}
		order = append(order, s)
	}
	for _, s := range r.Steps {
		take(s)
	}
	return order
}

// After returns the ids of a step and of all steps that need its result, by
// way of others too; none for the empty id.
func (r *Recipe) After(id string) (map[string]bool, error) {
	after := map[string]bool{}
	if id == "" {
		return after, nil
	}
	if _, ok := r.step(id); !ok {
		ids := make([]string, len(r.Steps))
		for i, s := range r.Steps {
			ids[i] = s.ID
		}
		return nil, &Problem{
			Code:    CodeInvalid,
			Message: fmt.Sprintf("the recipe %s has no step %q", r.Name, id),
			Remedy:  nearest.Remedy(id, ids),
		}
	}
	after[id] = true
	for _, s := range r.Order() { // each comes after those that it needs
		if slices.ContainsFunc(s.Needs, func(need string) bool { return after[need] }) {
			after[s.ID] = true
		}
	}
	return after, nil
}

func (r *Recipe) step(id string) (Step, bool) {
	i := slices.IndexFunc(r.Steps, func(s Step) bool { return s.ID == id })
	if i < 0 {
		return Step{}, false
	}
	return r.Steps[i], true
}

// ForCommand returns the recipe that supervises a training command as it is,
// in the directory dir (absolute).
func ForCommand(command []string, dir, name string) *Recipe {
	if name == "" && len(command) > 0 {
		name = filepath.Base(command[0])
	}
	line := make([]any, len(command))
	for i, word := range command {
		line[i] = escape(word)
	}
	return &Recipe{
		APIVersion: APIVersion,
		Name:       name,
		Steps: []Step{{
			ID:   "train",
			Uses: "train",
			With: map[string]any{"command": line, "dir": escape(dir)},
		}},
	}
}
