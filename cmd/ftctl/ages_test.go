package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// An ftctl beside a daemon of another release works, and a person is told which
// of the two is the older and what to do; scripts are spared.
func TestAnotherReleaseIsSaidToPeople(t *testing.T) {
	t.Setenv(asOf, "v1.2")
	h := newHouse(t)
	for release, words := range map[string]string{
		"v1.3": "this ftd is older: ftd is v1.2 and ftctl is v1.3; if the newer one is installed already, make it the one that runs: ftctl restart",
		"v1.1": "this ftctl is older: ftd is v1.2 and ftctl is v1.1; use the ftctl that was installed with that ftd",
	} {
		t.Setenv(asOf, release)
		for _, verb := range []string{"ps", "version"} {
			term := startInTerminal(t, 300, ftctlProcess(t, h.socket, verb))
			require.Zero(t, term.end(), verb)
			require.Equal(t, 1, strings.Count(term.screen(), words), term.screen())
		}
		id := h.submit("true")
		term := startInTerminal(t, 300, ftctlProcess(t, h.socket, "wait", id))
		require.Zero(t, term.end())
		require.Equal(t, 1, strings.Count(term.screen(), words), term.screen())
		text, err := ftctlProcess(t, h.socket, "ps").CombinedOutput()
		require.NoError(t, err)
		require.NotContains(t, string(text), "older")
	}
	t.Setenv(asOf, "v1.2")
	term := startInTerminal(t, 300, ftctlProcess(t, h.socket, "ps"))
	require.Zero(t, term.end())
	require.NotContains(t, term.screen(), "v1.2")
}
