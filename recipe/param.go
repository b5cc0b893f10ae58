package recipe

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
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
	// Command is a list of words, Texts a list of texts.
	Texts ParamType = "list"
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
	// Check looks at Values further; nil takes any.
	Check func(map[string]any) error
	Doc   string
}

// convert brings a value to the parameter's type: a variable's value is a text
// at first, whatever the parameter is.
func (p Param) convert(v any) (any, error) {
	text, isText := v.(string)
	switch p.Type {
	case Integer:
		if n, ok := integer(v); ok {
			return n, nil
		}
	case Number:
		if isText {
			if f, err := strconv.ParseFloat(text, 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
				return f, nil
			}
		} else if f, ok := v.(float64); ok {
			return f, nil
		} else if n, ok := integer(v); ok {
			return float64(n), nil
		}
	case Bool:
		if b, ok := v.(bool); ok {
			return b, nil
		}
		if b, err := strconv.ParseBool(strings.ToLower(text)); isText && err == nil {
			return b, nil
		}
	case Texts:
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
	return nil, fmt.Errorf("must be %s, not %s", article(p.Type), describe(v))
}

func (p Param) text(v any) (any, error) {
	var text string
	switch v := v.(type) {
	case string:
		text = v
	case int64, float64, bool: // a name may look like a number
		text = fmt.Sprint(v)
	default:
		return nil, fmt.Errorf("must be %s, not %s", article(p.Type), describe(v))
	}
	if len(p.OneOf) > 0 && !slices.Contains(p.OneOf, text) {
		return nil, fmt.Errorf("must be one of %s, not %q", strings.Trim(fmt.Sprintf("%q", p.OneOf), "[]"), text)
	}
	return text, nil
}

func integer(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		return n, err == nil
	}
	return 0, false
}

func texts(v any) ([]string, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("must be a list, not %s", describe(v))
	}
	result := make([]string, len(list))
	for i, entry := range list {
		switch entry.(type) {
		case string, int64, float64, bool:
			result[i] = fmt.Sprint(entry)
		default:
			return nil, fmt.Errorf("must be a list of texts, but entry %d is %s", i+1, describe(entry))
		}
	}
	return result, nil
}

func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "empty"
	case string:
		return strconv.Quote(v)
	case []any:
		return "a list"
	case map[string]any:
		return "a map"
	default:
		return fmt.Sprint(v)
	}
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
		if path, ok := v.(string); ok && (p.Type == File || p.Type == Dir) {
			v = absolute(path, base)
		}
		result[p.Name] = v
	}
	return result, nil
}

func absolute(path, base string) string {
	if path == "" || filepath.IsAbs(path) || strings.HasPrefix(path, builtinPrefix) {
		return path
	}
	return filepath.Join(base, path)
}
