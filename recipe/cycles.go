package recipe

import (
	"fmt"
	"slices"
	"strings"
)

// cycles refuses steps that need each other.
func (c *checker) cycles() error {
	const (
		onPath = 1
		clean  = 2
	)
	state := map[string]int{}
	var path []string
	var visit func(s Step) error
	visit = func(s Step) error {
		switch state[s.ID] {
		case clean:
			return nil
		case onPath:
			ring := append(path[slices.Index(path, s.ID):], s.ID)
			if err := c.outOfOrder(ring); err != nil {
				return err
			}
			return c.at(s.path).invalid("remove one of these needs", "the steps need each other: %s", strings.Join(ring, " needs "))
		}
		state[s.ID], path = onPath, append(path, s.ID)
		for _, need := range s.Needs {
			next, _ := c.recipe.step(need)
			if err := visit(next); err != nil {
				return err
			}
		}
		state[s.ID], path = clean, path[:len(path)-1]
		return nil
	}
	for _, s := range c.recipe.Steps {
		if err := visit(s); err != nil {
			return err
		}
	}
	return nil
}

// outOfOrder says of steps that need each other that one uses what it makes
// itself, or what a later one makes that needs it only because it comes later.
func (c *checker) outOfOrder(ring []string) error {
	var uses, follows []edge
	for i, id := range ring[1:] {
		e := edge{ring[i], id}
		if _, ok := c.uses[e]; ok {
			uses = append(uses, e)
		}
		if c.after[e] {
			follows = append(follows, e)
		}
	}
	switch {
	case len(uses) == 0:
		return nil
	case len(ring) == 2:
		return c.uses[uses[0]].invalid("name another step", "the step %q uses its own output", ring[0])
	case len(follows) == 0:
		return nil
	}
	for _, e := range uses {
		if slices.Index(c.ids(), e.from) < slices.Index(c.ids(), e.to) {
			return c.uses[e].invalid(fmt.Sprintf("put the step %q before this one", e.to), "the step %q uses the output of %q, which comes after it", e.from, e.to)
		}
	}
	return nil
}
