package recipe

import (
	"fmt"
	"slices"

	"ftd/recipe/nearest"
)

// references checks all ${...} within a value, and notes the steps they name;
// refs is nil where no step may be named.
func (c *checker) references(v any, path string, refs map[string]position) (found bool, err error) {
	var inner bool
	switch v := v.(type) {
	case string:
		return c.text(v, path, refs)
	case []any:
		for i := range v {
			if inner, err = c.references(v[i], fmt.Sprintf("%s.%d", path, i), refs); err != nil {
				return false, err
			}
			found = found || inner
		}
	case map[string]any:
		for _, name := range sorted(v) {
			if inner, err = c.references(v[name], path+"."+name, refs); err != nil {
				return false, err
			}
			found = found || inner
		}
	}
	return found, nil
}

func (c *checker) text(text, path string, refs map[string]position) (bool, error) {
	at := c.at(path)
	_, references, ok, column := pieces(text)
	if !ok {
		return false, at.within(text, column).invalid("close it with }, or write $${ for a plain ${", "${ is not closed")
	}
	for _, ref := range references {
		if err := c.reference(ref.name, at.within(text, ref.at), refs); err != nil {
			return false, err
		}
	}
	return len(references) > 0, nil
}

func (c *checker) reference(name string, at position, refs map[string]position) error {
	if name == refJobDir || name == refJobID || c.vars[name] {
		return nil
	}
	id, output, ok := outputReference(name)
	if !ok {
		known := append(sorted(c.vars), refJobDir, refJobID)
		return at.invalid(nearest.Remedy(name, known)+" (a plain ${ is written $${)", "there is no variable %q", name)
	}
	step, ok := c.recipe.step(id)
	if !ok {
		return at.invalid(nearest.Remedy(id, c.ids()), "there is no step %q", id)
	}
	if refs == nil {
		return at.invalid("put it into the env of a step", "the recipe's env cannot hold the output of a step")
	}
	outputs := c.kinds[step.Uses].Outputs()
	if !slices.Contains(outputs, output) {
		return at.invalid(nearest.Remedy(output, outputs), "the step %q (%s) has no output %q", id, step.Uses, output)
	}
	if _, noted := refs[id]; !noted {
		refs[id] = at
	}
	return nil
}
