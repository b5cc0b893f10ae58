package settings

import (
	"fmt"
	"slices"
)

// Differing names the settings whose values are not the same in both.
func (s *Settings) Differing(other *Settings) []string {
	var names []string
	for i, v := range s.values {
		if v.Value != other.values[i].Value {
			names = append(names, v.Name)
		}
	}
	return names
}

// Adopt returns settings that are those of s, but for the named ones, which
// are those of from.
func (s *Settings) Adopt(from *Settings, names ...string) (*Settings, error) {
	merged := *s
	merged.values = slices.Clone(s.values)
	flags, keys := flagSet(&merged) // which sets all fields to their defaults
	for i, k := range keys {
		if slices.Contains(names, k.name) {
			merged.values[i] = from.values[i]
		}
		if err := flags.Lookup(k.flag()).Value.Set(fmt.Sprint(merged.values[i].Value)); err != nil {
			return nil, err
		}
	}
	return &merged, nil
}
