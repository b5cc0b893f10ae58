// Package scalar takes what a YAML file or a command line gave, where a variable
// is a text at first, for the number or the truth that is wanted; and it says
// what was given where it is neither.
//
// Values are those of a parsed recipe: int64, float64, bool, string, []any,
// map[string]any and nil.
package scalar

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Integer is the integer that v is or spells.
func Integer(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		return n, err == nil
	}
	return 0, false
}

// Number is the finite number that v is or spells; an integer is one.
func Number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case string:
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
	}
	n, ok := Integer(v)
	return float64(n), ok
}

// Bool is the truth that v is or spells, in letters of any case.
func Bool(v any) (truth, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case string:
		truth, err := strconv.ParseBool(strings.ToLower(v))
		return truth, err == nil
	}
	return false, false
}

// Describe names what was given, for a person who expected something else.
func Describe(v any) string {
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
