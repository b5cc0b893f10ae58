package settings

import "strings"

// PlaceList is the setting places.
func (s *Settings) PlaceList() []string { return words(s.Places) }

// SkipCheckList is the setting skip_checks.
func (s *Settings) SkipCheckList() []string { return words(s.SkipChecks) }

// words are what stands between the commas of a list.
func words(list string) (all []string) {
	for word := range strings.SplitSeq(list, ",") {
		if word = strings.TrimSpace(word); word != "" {
			all = append(all, word)
		}
	}
	return all
}
