package recipe

import (
	"fmt"

	"ftd/recipe/nearest"
)

// Values returns the value of each variable: the one that is given, or else
// its default. A given variable that the recipe does not have is an error, as
// is a required one that is not given.
func (r *Recipe) Values(given map[string]string) (map[string]string, error) {
	values := map[string]string{}
	names := make([]string, len(r.Vars))
	for i, v := range r.Vars {
		names[i] = v.Name
		value, ok := given[v.Name]
		switch {
		case ok:
			values[v.Name] = value
		case v.Required:
			return nil, &Problem{
				Code:    CodeInvalid,
				Message: fmt.Sprintf("the recipe %s needs a value for the variable %q", r.Name, v.Name),
				Remedy:  fmt.Sprintf("add --set %s=VALUE", v.Name),
				Source:  r.at["vars."+v.Name].source(),
			}
		default:
			values[v.Name] = v.Default
		}
	}
	for _, name := range sorted(given) {
		if _, ok := values[name]; !ok {
			return nil, &Problem{
				Code:    CodeInvalid,
				Message: fmt.Sprintf("the recipe %s has no variable %q", r.Name, name),
				Remedy:  nearest.Remedy(name, names),
			}
		}
	}
	return values, nil
}
