package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMistakesAreNamedInTheWordsOfPeople(t *testing.T) {
	t.Setenv("FTD_SOCKET", "/nowhere")
	for _, c := range []struct {
		args          []string
		message, next string
	}{
		{[]string{"ps", "-n", "abc"}, `--last "abc" is not a whole number`, "write: --last 5"},
		{[]string{"ps", "-n", "99999999999999999999"}, `--last "99999999999999999999" is more than there can be`, "write: --last 5"},
		{[]string{"ps", "--no-color=x"}, `--no-color takes no value such as "x"`, "leave it out"},
		{[]string{"ps", "-o"}, "--output needs a value", "ftctl ps --help"},
		{[]string{"wait", "job", "--timeout", "soon"}, `--timeout "soon" is not a time to wait`, "write: --timeout 30s"},
		{[]string{"ps", "--al"}, "ftctl ps has no flag --al", "did you mean --all?"},
		{[]string{"ps", "--something-else"}, "ftctl ps has no flag --something-else", "see ftctl ps --help"},
		{[]string{"ps", "-qx"}, "ftctl ps has no flag -x", "see ftctl ps --help"},
		{[]string{"config", "set", "slots", "-1"}, "ftctl config set has no flag -1", "comes after --, such as: ftctl config set -- -1"},
		{[]string{"show", ""}, "the name of the job is empty", "ftctl ps -a"},
		{[]string{"stop", "one", " "}, "the name of the job is empty", "ftctl ps -a"},
		{[]string{"train", "--", ""}, "the command is empty", "name one: ftctl train -- python train.py"},
		{[]string{"run", ""}, "the name of the recipe is empty", "ftctl recipe ls"},
		{[]string{"stop", "01a\n01b"}, `"01a\n01b" cannot be the name of a job`, "ftctl ps -a"},
		{[]string{"show", "\xff"}, `"\xff" cannot be the name of a job`, "ftctl ps -a"},
	} {
		_, talk, status := run(t, c.args...)
		require.Equal(t, exitUsage, status, c.args)
		require.Contains(t, talk, c.message, c.args)
		require.Contains(t, talk, "what to do: ", c.args)
		require.Contains(t, talk, c.next, c.args)
	}
	_, talk, _ := run(t, "ckpt", "ls", "a\tdirectory\xff")
	require.NotContains(t, talk, "cannot be the name", "a directory may be called anything")
}
