package recipe

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"ftd/recipe/scalar"
)

// ParamType is what a parameter may be.
type ParamType string

// The types of parameters.
const (
	Text    ParamType = "text"
	Integer ParamType = "integer"
	Number  ParamType = "number"
	Bool    ParamType = "true or false"
	// File and Dir are existing inputs; a relative one is looked for in the
	// job's base directory, and a file's content is part of the step's key.
	File ParamType = "file"
	Dir  ParamType = "directory"
	// Location is a path, made absolute as that of a File, or an address.
	Location ParamType = "path or URL"
	// Command is a list of words, Texts a list of texts.
	Texts ParamType = "list"
	// Locations is a list of what a Location may be.
	Locations ParamType = "list of paths and URLs"
	// Values is a map whose values are texts, numbers, true or false.
	Values ParamType = "map"
)

// Param is a parameter that a kind of step takes.
type Param struct {
	Name     string
	Type     ParamType
	Required bool
	// Default stands for a parameter that is not given; nil leaves it out.
	Default any
	// OneOf lists the only values a Text may have.
	OneOf []string
	// Least is the smallest Integer that makes sense; nil takes any.
	Least *int64
	// Pattern is what a Text must look like that is not empty, and Looks says so.
	Pattern func() *regexp.Regexp
	Looks   string
	// Check looks at Values further; nil takes any.
	Check func(map[string]any) error
	// Path says which of the Values may be paths: one of a file that is there is
	// made absolute. nil is none.
	Path func(key string) bool
	Doc  string
}

// convert brings a value to the parameter's type: a variable's value is a text
// at first, whatever the parameter is.
func (p Param) convert(v any) (any, error) {
	switch p.Type {
	case Integer:
		if n, ok := scalar.Integer(v); ok {
			if p.Least != nil && n < *p.Least {
				return nil, fmt.Errorf("must be at least %d, not %d", *p.Least, n)
			}
			return n, nil
		}
	case Number:
		if f, ok := scalar.Number(v); ok {
			return f, nil
		}
	case Bool:
		if b, ok := scalar.Bool(v); ok {
			return b, nil
		}
	case Texts, Locations:
		return texts(v)
	case Values:
		m, ok := v.(map[string]any)
		if ok && p.Check != nil {
			if err := p.Check(m); err != nil {
				return nil, fmt.Errorf("cannot be used: %w", err)
			}
		}
		if ok {
			return m, nil
		}
	default:
		return p.text(v)
	}
	return nil, fmt.Errorf("must be %s, not %s", article(p.Type), scalar.Describe(v))
}

func (p Param) text(v any) (any, error) {
	var text string
	switch v := v.(type) {
	case string:
		text = v
	case int64, float64, bool: // a name may look like a number
		text = fmt.Sprint(v)
	default:
		return nil, fmt.Errorf("must be %s, not %s", article(p.Type), scalar.Describe(v))
	}
	if len(p.OneOf) > 0 && !slices.Contains(p.OneOf, text) {
		return nil, fmt.Errorf("must be one of %s, not %q", strings.Trim(fmt.Sprintf("%q", p.OneOf), "[]"), text)
	}
	if p.Pattern != nil && text != "" && !p.Pattern().MatchString(text) {
		return nil, fmt.Errorf("must be %s, not %q", p.Looks, text)
	}
	return text, nil
}

func texts(v any) ([]string, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("must be a list, not %s", scalar.Describe(v))
	}
	result := make([]string, len(list))
	for i, entry := range list {
		switch entry.(type) {
		case string, int64, float64, bool:
			result[i] = fmt.Sprint(entry)
		default:
			return nil, fmt.Errorf("must be a list of texts, but entry %d is %s", i+1, scalar.Describe(entry))
		}
	}
	return result, nil
}

func article(t ParamType) string {
	switch t {
	case Integer:
		return "an integer"
	case Bool:
		return string(t)
	}
	return "a " + string(t)
}

// located makes the paths that a parameter holds absolute.
func (p Param) located(v any, base string) any {
	switch v := v.(type) {
	case string:
		switch p.Type {
		case File, Dir:
			return absolute(v, base)
		case Location:
			return located(v, base)
		}
	case []string:
		if p.Type == Locations {
			for i, source := range v {
				v[i] = located(source, base)
			}
		}
	case map[string]any:
		if p.Path == nil {
			return v
		}
		v = maps.Clone(v)
		for key, value := range v {
			if text, ok := value.(string); ok && p.Path(key) && text != "" {
				if path := absolute(text, base); exists(path) {
					v[key] = path
				}
			}
		}
		return v
	}
	return v
}

// convertAll brings expanded parameters to their types, adds the defaults and
// makes paths absolute.
func convertAll(params []Param, with map[string]any, base string) (map[string]any, error) {
	result := make(map[string]any, len(params))
	for _, p := range params {
		given, ok := with[p.Name]
		if !ok || given == nil {
			if p.Default != nil {
				result[p.Name] = p.Default
			}
			continue
		}
		v, err := p.convert(given)
		if err != nil {
			return nil, &Problem{
				Code:    CodeInvalid,
				Message: fmt.Sprintf("the parameter %q %v", p.Name, err),
				Remedy:  "correct it, or the variable it comes from",
			}
		}
		result[p.Name] = p.located(v, base)
	}
	return result, nil
}
