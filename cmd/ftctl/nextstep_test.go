package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"ftd/api"
)

// verbs are all commands that can be run, cobra's own apart.
func verbs() (list []*cobra.Command) {
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			if sub.Name() == "help" || sub.Name() == "completion" || sub.Hidden {
				continue
			}
			if !sub.HasSubCommands() {
				list = append(list, sub)
			}
			visit(sub)
		}
	}
	visit(newRootCommand())
	return list
}

// wordsFor are arguments of the kinds that a verb's usage names, all of which
// name nothing that is there.
func wordsFor(c *cobra.Command) []string {
	words := strings.Fields(c.CommandPath())[1:]
	usage := strings.TrimPrefix(c.Use, c.Name())
	for _, w := range strings.Fields(strings.NewReplacer("[", " ", "]", " ", "...", "").Replace(usage)) {
		switch {
		case strings.Contains(w, "FILE"), strings.Contains(w, "PATH") && !strings.Contains(w, "="), w == "A", w == "B", strings.Contains(w, "DIR"), strings.Contains(w, "OLD"), strings.Contains(w, "NEW"):
			words = append(words, "/nowhere/at/all.yaml")
		case strings.Contains(w, "="):
			words = append(words, "a.b=c")
		case w == "--":
			words = append(words, "--")
		case w == "FLAGS":
		case w == "ARGUMENTS":
			if c.Name() == "call" {
				words = append(words, "[1]")
			}
		default:
			words = append(words, "nobody")
		}
	}
	return words
}

func requireNextStep(t *testing.T, args []string, status int, out, talk string) {
	t.Helper()
	if status == exitOK {
		return
	}
	if strings.TrimSpace(talk) == "" {
		require.NotEmpty(t, out, "%v ended with %d without a word", args, status) // a verdict
		return
	}
	if status == exitJob {
		talk += out // how a job ended is data
	}
	require.Regexp(t, `what to do: .|怎么办：.|"remedy":"`, talk, "%v (status %d) does not say what to do next", args, status)
}

// Whatever is wrong, the person is told what to do next.
func TestErrorsAlwaysEndInWhatToDoNext(t *testing.T) {
	// They act, or look at the whole machine.
	acts := map[string]bool{"up": true, "doctor": true, "man": true}
	for _, c := range verbs() {
		path := strings.Fields(c.CommandPath())[1:]
		t.Run(strings.Join(path, " "), func(t *testing.T) {
			t.Setenv("FTD_SOCKET", nowhere(t))
			args := append(path, "--no-such-flag")
			out, talk, status := run(t, args...)
			require.Equal(t, exitUsage, status, talk)
			requireNextStep(t, args, status, out, talk)
			args = append(path, "-o", "xml")
			out, talk, status = run(t, args...)
			requireNextStep(t, args, status, out, talk)
			if acts[c.Name()] {
				return
			}
			out, talk, status = run(t, path...) // arguments may be missing, and the daemon is
			requireNextStep(t, path, status, out, talk)
			args = wordsFor(c)
			out, talk, status = run(t, args...)
			requireNextStep(t, args, status, out, talk)
		})
	}
}

func TestUnknownThingsOfADaemonEndInWhatToDoNext(t *testing.T) {
	newHouse(t)
	acts := map[string]bool{"up": true, "doctor": true, "man": true, "restart": true}
	for _, c := range verbs() {
		if acts[c.Name()] {
			continue
		}
		args := wordsFor(c)
		out, talk, status := run(t, args...)
		requireNextStep(t, args, status, out, talk)
	}
}

func TestAnErrorWithoutARemedyGetsOne(t *testing.T) {
	for _, code := range []string{codeUsage, api.CodeBadRequest, api.CodeTooLarge, api.CodeUnreachable, api.CodeNotFound, api.CodeConflict,
		api.CodeDenied, api.CodeDiskFull, api.CodeRecipeInvalid, api.CodeInternal, "of-a-later-version"} {
		bare := api.Errorf(code, "x")
		require.NotEmpty(t, asError(bare).Remedy, code)
		require.Empty(t, bare.Remedy, "what was given is not changed")
	}
	require.Equal(t, "own", asError(api.Errorf("x", "x").WithRemedy("own")).Remedy)
}

// With a Chinese locale the error of a job says in Chinese what to do.
func TestRemediesInChinese(t *testing.T) {
	h := newHouse(t)
	t.Setenv("LC_ALL", "zh_CN.UTF-8")
	id := h.submit("sh", "-c", "echo 'ImportError: libgomp-d22c30c5.so.1.0.0: cannot allocate memory in static TLS block'; exit 1")
	out, talk, status := run(t, "wait", id)
	require.Equal(t, exitJob, status)
	require.Contains(t, out+talk, "怎么办：")
	require.Regexp(t, `怎么办：.*\p{Han}`, out+talk)
}
