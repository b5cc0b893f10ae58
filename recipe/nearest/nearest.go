// Package nearest finds the name that a person meant who typed another one, and
// says so the same way everywhere.
//
//	nearest.Remedy("tiny-lama", names) // did you mean "tiny-llama"?
package nearest

import (
	"fmt"
	"slices"
	"strings"
)

// To returns the name that a person who typed word most likely meant, or
// "" if none is near.
func To(word string, names []string) string {
	best, bestDistance := "", len([]rune(word))/3+2
	for _, name := range names {
		if d := distance(strings.ToLower(word), strings.ToLower(name)); d < bestDistance {
			best, bestDistance = name, d
		}
	}
	return best
}

// Remedy says what to do about a name that is none of names.
func Remedy(word string, names []string) string {
	if name := To(word, names); name != "" {
		return fmt.Sprintf("did you mean %q?", name)
	}
	if len(names) == 0 {
		return "remove it: nothing can stand there"
	}
	return "known are " + strings.Join(slices.Sorted(slices.Values(names)), ", ")
}

// distance counts the letters to insert, drop or replace to make b of a.
func distance(a, b string) int {
	from, to := []rune(a), []rune(b)
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i, letter := range from {
		corner := row[0]
		row[0] = i + 1
		for j, other := range to {
			cost := corner
			if letter != other {
				cost = 1 + min(corner, row[j], row[j+1])
			}
			corner, row[j+1] = row[j+1], cost
		}
	}
	return row[len(to)]
}
