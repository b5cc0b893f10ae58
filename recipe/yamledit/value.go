package yamledit

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"ftd/recipe/expression"
	"ftd/recipe/scalar"
)

// The scalars of PyYAML, see its resolver.py. An exponent needs a point before and
// a sign within; 1:30 is a number to the base of 60.
var (
	integer = expression.Lazily(`^[-+]?(0|[1-9][0-9_]*|0[0-7_]+|0b[01_]+|0x[0-9a-fA-F_]+|[1-9][0-9_]*(:[0-5]?[0-9])+)$`)
	decimal = expression.Lazily(`^[-+]?(0|[1-9][0-9]*)$`)
	float   = expression.Lazily(`^([-+]?[0-9][0-9_]*\.[0-9_]*([eE][-+][0-9]+)?|\.[0-9][0-9_]*([eE][-+][0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
	truth   = expression.Lazily(`^(true|True|TRUE|false|False|FALSE|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)$`)
	null    = expression.Lazily(`^(|~|null|Null|NULL)$`)
	safe    = expression.Lazily(`^[A-Za-z_./][A-Za-z0-9_./-]*$`)
)

// typed writes a value in the place of an unquoted one.
func typed(old string, value any) (string, error) {
	switch {
	case integer().MatchString(old):
		// What is an integer so far may be meant as a fraction: "top_p: 1", "lr_end: 0".
		if n, ok := scalar.Integer(value); ok {
			return strconv.FormatInt(n, 10), nil
		}
		f, ok := scalar.Number(value)
		if !ok {
			return "", fmt.Errorf("must be a number, not %s", scalar.Describe(value))
		}
		return floatText(f), nil
	case float().MatchString(old):
		f, ok := scalar.Number(value)
		if !ok {
			return "", fmt.Errorf("must be a number, not %s", scalar.Describe(value))
		}
		return floatText(f), nil
	case truth().MatchString(old):
		b, ok := scalar.Bool(value)
		if !ok {
			return "", fmt.Errorf("must be true or false, not %s", scalar.Describe(value))
		}
		if b {
			return "True", nil
		}
		return "False", nil
	}
	return quoted(plain(value)), nil
}

// written writes a value by its own type, for a place that was empty.
func written(value any) string {
	switch v := value.(type) {
	case bool:
		if v {
			return "True"
		}
		return "False"
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return floatText(v)
	case string:
		if _, finite := scalar.Number(v); decimal().MatchString(v) || finite && float().MatchString(v) || truth().MatchString(v) {
			return v
		}
	}
	return quoted(plain(value))
}

// list writes a list of scalars in brackets.
func list(value any) (string, error) {
	if text, ok := value.(string); ok {
		if err := Read([]byte(text), &value); err != nil || !strings.HasPrefix(strings.TrimSpace(text), "[") {
			return "", fmt.Errorf("must be a list such as [a, b], not %s", scalar.Describe(text))
		}
	}
	entries, ok := value.([]any)
	if !ok {
		return "", fmt.Errorf("must be a list, not %s", scalar.Describe(value))
	}
	words := make([]string, len(entries))
	for i, entry := range entries {
		switch v := entry.(type) {
		case string:
			words[i] = strconv.Quote(v)
		case uint64: // how the library reads an integer
			words[i] = strconv.FormatUint(v, 10)
		case int64, float64, bool:
			words[i] = written(v)
		default:
			return "", fmt.Errorf("must be a list of plain values, but entry %d is %s", i+1, scalar.Describe(entry))
		}
	}
	return "[" + strings.Join(words, ", ") + "]", nil
}

func quoted(text string) string {
	if safe().MatchString(text) && !truth().MatchString(text) && !null().MatchString(text) && !float().MatchString(text) {
		return text
	}
	return strconv.Quote(text)
}

// floatText writes a number so that PyYAML reads it as a float.
func floatText(f float64) string {
	switch text := strconv.FormatFloat(f, 'g', -1, 64); {
	case math.IsInf(f, 0), math.IsNaN(f), float().MatchString(text):
		return text
	case strings.Contains(text, "e"):
		return strings.Replace(text, "e", ".0e", 1)
	default:
		return text + ".0"
	}
}

func plain(value any) string {
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}
