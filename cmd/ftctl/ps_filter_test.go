package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPsFiltered(t *testing.T) {
	h := newHouse(t)
	good, bad := h.submit("true"), h.submit("false")
	h.ended(good)
	h.ended(bad)
	for want, filters := range map[string][]string{
		bad + "\n":               {"state=failed"},
		good + "\n":              {"state=succeeded", "name=true"},
		bad + "\n" + good + "\n": {"state=failed", "state=succeeded"},
		"":                       {"state=failed", "name=true"},
	} {
		args := []string{"ps", "-q"}
		for _, f := range filters {
			args = append(args, "--filter", f)
		}
		out, talk, status := run(t, args...)
		require.Zero(t, status, talk)
		require.Equal(t, want, out, filters)
	}
	for _, wrong := range []string{"state", "state=broken", "colour=red"} {
		_, talk, status := run(t, "ps", "--filter", wrong)
		require.Equal(t, exitUsage, status)
		require.Contains(t, talk, "what to do: ")
	}
}
