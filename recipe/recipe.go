package recipe

import (
	"path/filepath"
	"slices"
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
