package main

import (
	"slices"
	"strings"

	"ftd/api"
)

// jobFilter is what --filter asks for: by key the values of which one must be
// the job's.
type jobFilter map[string][]string

func newJobFilter(words []string) (jobFilter, error) {
	f := jobFilter{}
	states := []string{string(api.StateQueued), string(api.StateRunning), string(api.StateStopping), string(api.StateSucceeded),
		string(api.StateFailed), string(api.StateStopped), string(api.StateInterrupted), string(api.StateLost)}
	for _, word := range words {
		key, value, ok := strings.Cut(word, "=")
		switch {
		case !ok || (key != "state" && key != "name" && key != "recipe"):
			return nil, usageError("write: --filter state=failed, --filter name=NAME or --filter recipe=RECIPE", "--filter %q is none", word)
		case key == "state" && !slices.Contains(states, value):
			return nil, usageError("give one of "+strings.Join(states, ", "), "there is no state %q", value)
		}
		f[key] = append(f[key], value)
	}
	return f, nil
}

func (f jobFilter) wants(j *api.Job) bool {
	for key, values := range f {
		is := map[string]string{"state": string(j.State), "name": j.Name, "recipe": j.Recipe}[key]
		if !slices.Contains(values, is) {
			return false
		}
	}
	return true
}
