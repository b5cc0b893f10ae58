package recipe

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"ftd/recipe/nearest"
)

// Names that ${...} may hold besides variables and outputs.
const (
	refJobDir = "job.dir"
	refJobID  = "job.id"
)

// check looks at what the parts of a recipe say about each other, and
// completes each step's Needs.
func check(r *Recipe) error {
	c := checker{recipe: r, kinds: kinds(), vars: map[string]bool{}, uses: map[edge]position{}, after: map[edge]bool{}}
	for _, v := range r.Vars {
		c.vars[v.Name] = true
	}
	if err := c.defaults(); err != nil {
		return err
	}
	for i := range r.Steps {
		if err := c.identity(i); err != nil {
			return err
		}
	}
	if err := c.environment(r.Env, "env", nil); err != nil {
		return err
	}
	for i := range r.Steps {
		if err := c.step(i); err != nil {
			return err
		}
	}
	return c.cycles()
}

type checker struct {
	recipe *Recipe
	kinds  map[string]Kind
	vars   map[string]bool
	// uses are the places where a step ("to") refers to an output of another.
	uses map[edge]position
	// after are the steps that need the one before them because they do not say
	// what they need.
	after map[edge]bool
}

// edge says that a step needs another.
type edge struct{ from, to string }

func (c *checker) at(path string) position { return c.recipe.at[path] }

// defaults refuses variables that are made of others: what they hold is a plain
// text, so that nobody has to know in which order they would be expanded.
func (c *checker) defaults() error {
	for _, v := range c.recipe.Vars {
		_, references, ok, _ := pieces(v.Default)
		for _, ref := range references {
			if _, _, output := outputReference(ref.name); ok && (c.vars[ref.name] || output) {
				at := c.at("vars." + v.Name)
				at.column += ref.at
				return at.invalid(fmt.Sprintf("write ${%s} in the steps, where ${%s} is used", ref.name, v.Name), "the variable %q cannot hold ${%s}", v.Name, ref.name)
			}
		}
	}
	return nil
}

// identity checks a step's id and kind; the other checks rely on them.
func (c *checker) identity(i int) error {
	s := &c.recipe.Steps[i]
	if s.ID == "" {
		return c.at(s.path).invalid("add id:", "the step lacks an id")
	}
	if first := slices.IndexFunc(c.recipe.Steps, func(o Step) bool { return o.ID == s.ID }); first < i {
		return c.at(s.path+".id").invalid("choose another one", "the id %q is that of an earlier step", s.ID)
	}
	if s.Uses == "" {
		return c.at(s.path).invalid("add uses: with one of "+strings.Join(Kinds(), ", "), "the step %q lacks a kind", s.ID)
	}
	if _, ok := c.kinds[s.Uses]; !ok {
		return c.at(s.path+".uses").invalid(nearest.Remedy(s.Uses, Kinds()), "there is no kind of step %q", s.Uses)
	}
	if s.Isolation != "" && s.Isolation != IsolationWorker {
		return c.at(s.path+".isolation").invalid("write isolation: "+IsolationWorker+", or leave it out", "isolation cannot be %q", s.Isolation)
	}
	return nil
}

func (c *checker) step(i int) error {
	s := &c.recipe.Steps[i]
	refs := map[string]position{}
	if err := c.parameters(s, refs); err != nil {
		return err
	}
	if err := c.environment(s.Env, s.path+".env", refs); err != nil {
		return err
	}
	for _, word := range []struct{ key, text string }{{"when", s.When}, {"unless", s.Unless}, {"environment", s.Environment}, {"keep", s.Keep}} {
		found, err := c.text(word.text, s.path+"."+word.key, refs)
		if err != nil {
			return err
		}
		if _, ok := yesOrNo(word.text); word.key == "keep" && word.text != "" && !found && !ok { // what variables hold is not known yet
			return c.at(s.path+".keep").invalid("write keep: true or keep: false", "keep must be true or false, not %q", word.text)
		}
	}
	for j, need := range s.Needs {
		if _, ok := c.recipe.step(need); !ok {
			return c.at(fmt.Sprintf("%s.needs.%d", s.path, j)).invalid(nearest.Remedy(need, c.ids()), "there is no step %q", need)
		}
	}
	if s.Needs == nil && i > 0 {
		s.Needs = []string{c.recipe.Steps[i-1].ID}
		c.after[edge{s.ID, s.Needs[0]}] = true
	}
	for _, ref := range sorted(refs) {
		c.uses[edge{s.ID, ref}] = refs[ref]
		if !slices.Contains(s.Needs, ref) {
			s.Needs = append(s.Needs, ref)
		}
	}
	return nil
}

func (c *checker) parameters(s *Step, refs map[string]position) error {
	params := c.kinds[s.Uses].Params()
	names := make([]string, len(params))
	for i, p := range params {
		names[i] = p.Name
	}
	// First what is there and unknown: it may be what is missing, misspelt.
	for _, name := range sorted(s.With) {
		if !slices.Contains(names, name) {
			return c.at(s.path+".with."+name).invalid(nearest.Remedy(name, names), "the kind %q has no parameter %q", s.Uses, name)
		}
	}
	for _, p := range params {
		if _, given := s.With[p.Name]; p.Required && !given {
			return c.at(s.path).invalid("add it below with:", "the step %q (%s) lacks the parameter %q", s.ID, s.Uses, p.Name)
		}
	}
	for _, name := range sorted(s.With) {
		path := s.path + ".with." + name
		i := slices.Index(names, name)
		found, err := c.references(s.With[name], path, refs)
		if err != nil {
			return err
		}
		if s.With[name] == nil {
			if params[i].Required {
				return c.at(path).invalid("give it a value", "the parameter %q is empty", name)
			}
			continue
		}
		if !found { // what variables hold is not known yet
			if _, err := params[i].convert(s.With[name]); err != nil {
				return c.at(path).invalid("correct it", "the parameter %q %v", name, err)
			}
		}
	}
	if k, ok := c.kinds[s.Uses].(interface{ together(*Step) *Problem }); ok {
		if p := k.together(s); p != nil {
			return c.at(s.path).invalid(p.Remedy, "%s", p.Message)
		}
	}
	return nil
}

func (c *checker) environment(env map[string]string, path string, refs map[string]position) error {
	for _, name := range sorted(env) {
		if _, err := c.references(env[name], path+"."+name, refs); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) ids() []string {
	ids := make([]string, len(c.recipe.Steps))
	for i, s := range c.recipe.Steps {
		ids[i] = s.ID
	}
	return ids
}

// sorted are the keys of a map; of an empty one an empty list, which JSON tells
// from none.
func sorted[V any](m map[string]V) []string {
	keys := slices.AppendSeq(make([]string, 0, len(m)), maps.Keys(m))
	slices.Sort(keys)
	return keys
}
