package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// Every verb that lists takes -o json, wide and name.
func TestEveryListCanBeHadWideAndAsNames(t *testing.T) {
	h := newHouse(t)
	h.ended(h.submit("true"))
	for _, verb := range [][]string{{"ps", "-a"}, {"recipe", "ls"}, {"config"}} {
		names := ok(t, append(verb, "-o", "name")...)
		require.NotEmpty(t, names, verb)
		require.NotContains(t, names, "  ", verb)
		text, wide := ok(t, verb...), ok(t, append(verb, "-o", "wide")...)
		heading := func(table string) string { return table[:strings.IndexByte(table, '\n')] }
		require.Greater(t, len(strings.Fields(heading(wide))), len(strings.Fields(heading(text))), verb)
		require.Len(t, strings.Split(names, "\n"), strings.Count(text, "\n"), "one name for each row: %v", verb)
		decode[any](t, ok(t, append(verb, "-o", "json")...))
	}
	require.Empty(t, ok(t, "cards", "-o", "name"))
	require.Contains(t, ok(t, "cards", "-o", "wide"), "JOB")
}

// A job that is named wrongly, or by too little, is answered with what may be
// meant.
func TestJobsThatAreNearlyNamed(t *testing.T) {
	h := newHouse(t)
	var ids []string
	for _, name := range []string{"first-try", "second-try"} {
		job, err := h.client.Submit(t.Context(), api.Submit{Command: []string{"true"}, Dir: h.dir, Name: name})
		require.NoError(t, err)
		ids = append(ids, h.ended(job.ID).ID)
	}
	for _, verb := range []string{"show", "logs", "loss", "wait", "stop", "rm", "resume"} {
		_, talk, status := run(t, verb, "frist-try")
		require.Equal(t, exitNotFound, status, verb)
		require.Contains(t, talk, `did you mean "first-try"?`, verb)
		_, talk, status = run(t, verb, "01")
		require.Equal(t, exitFailed, status, verb)
		for _, id := range ids {
			require.Contains(t, talk, id, verb)
		}
	}
	_, talk, _ := run(t, "show", "something-else-altogether")
	require.NotContains(t, talk, "did you mean")
}

// writes counts how often it is written to.
type writes struct {
	bytes.Buffer
	calls int
}

func (w *writes) Write(p []byte) (int, error) {
	w.calls++
	return w.Buffer.Write(p)
}

func TestATableIsWrittenInOnePiece(t *testing.T) {
	var w writes
	writeTable(&w, [][]string{{"JOB", "NAME"}, {"01a", "one"}, {"01b", ""}})
	require.Equal(t, "JOB   NAME\n01a   one\n01b   -\n", w.String())
	require.Equal(t, 1, w.calls)
}

func TestATableIsAlignedByWhatATerminalShows(t *testing.T) {
	var w writes
	writeTable(&w, [][]string{{"NAME", "STATE"}, {"微调测试", "running"}, {"a\tb\n", " "}})
	require.Equal(t, "NAME       STATE\n微调测试   running\na b        -\n", w.String())
}
