package main

import (
	"bytes"
	"cmp"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"ftd/daemon"
)

// asFtctl in the environment makes the test binary be ftctl, so that tests can
// run it as a process of its own: with signals, pipes and terminals.
// asDaemon makes it be the daemon.
const (
	asFtctl  = "FTCTL_TEST_BE_FTCTL"
	asDaemon = "FTCTL_TEST_BE_DAEMON"
	asOf     = "FTCTL_TEST_VERSION" // of either
)

func TestMain(m *testing.M) {
	version = cmp.Or(os.Getenv(asOf), version)
	switch {
	case os.Getenv(asDaemon) != "":
		os.Exit(daemon.Main(os.Args[1:], cmp.Or(os.Getenv(asOf), "test")))
	case os.Getenv(asFtctl) != "":
		main()
	}
	// A daemon that this machine runs is not the tests'.
	os.Setenv("FTD_SOCKET", "/no/such/place/ftd.sock")
	// Nor is one started where a test finds none.
	dir, err := os.MkdirTemp("", "ftctl")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "ftd"), []byte("#!/bin/sh\necho ftd: tests start no daemon\nexit 1\n"), 0o755)
	}
	if err != nil {
		panic(err)
	}
	os.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	os.Setenv("FTD_STATE_DIR", filepath.Join(dir, "state"))
	goleak.VerifyTestMain(m, goleak.Cleanup(func(status int) {
		os.RemoveAll(dir)
		if built.dir != "" {
			os.RemoveAll(built.dir)
		}
		os.Exit(status)
	}))
}

// ftctlProcess prepares ftctl as a process that talks to the given socket.
func ftctlProcess(t *testing.T, socket string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), asFtctl+"=1", "FTD_SOCKET="+socket, "TERM=xterm")
	return cmd
}

// nowhere is a socket that is not there.
func nowhere(t *testing.T) string { return filepath.Join(t.TempDir(), "ftd.sock") }

// run runs ftctl in this process.
func run(t *testing.T, args ...string) (out, talk string, status int) {
	t.Helper()
	return runWith(t, "", args...)
}

// runWith runs ftctl in this process, with a standard input.
func runWith(t *testing.T, in string, args ...string) (out, talk string, status int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status = execute(t.Context(), args, strings.NewReader(in), &stdout, &stderr)
	return stdout.String(), stderr.String(), status
}

func TestVerbsThatAreWrong(t *testing.T) {
	cases := map[string]struct {
		args []string
		says []string
	}{
		"none":           {nil, []string{"needs a verb", "ps", "run", "train"}},
		"unknown":        {[]string{"frobnicate"}, []string{`no verb "frobnicate"`, "ps", "wait"}},
		"nearly":         {[]string{"shw"}, []string{"did you mean: ftctl show"}},
		"one too many":   {[]string{"show", "a", "b"}, []string{`ftctl show does not take "b"`}},
		"one too few":    {[]string{"config", "set", "slots"}, []string{`needs another argument after "slots"`}},
		"no shell":       {[]string{"completion"}, []string{"ftctl completion needs a verb: bash, fish"}},
		"unknown shell":  {[]string{"completion", "tcsh"}, []string{`ftctl completion has no verb "tcsh"`}},
		"help of none":   {[]string{"help", "frob"}, []string{`ftctl has no verb "frob"`}},
		"help of none 2": {[]string{"help", "ckpt", "frob"}, []string{`ftctl ckpt has no verb "frob"`}},
		"unknown nested": {[]string{"recipe", "frob"}, []string{`ftctl recipe has no verb "frob"`, "validate"}},
		"flag":           {[]string{"ps", "--frob"}, []string{"--frob", "ftctl ps --help"}},
		"arguments":      {[]string{"show"}, []string{"ftctl show", "arg", "ftctl show --help"}},
		"output":         {[]string{"show", "x", "-o", "csv"}, []string{`"csv"`, "text, json"}},
		"assignment":     {[]string{"run", "tiny-llama", "--set", "steps"}, []string{"--set", "KEY=VALUE"}},
		"environment":    {[]string{"train", "-e", "FTCTL_NOT_SET", "--", "x"}, []string{"FTCTL_NOT_SET"}},
		"directory":      {[]string{"train", "--dir", "/nowhere/at/all", "--", "x"}, []string{"/nowhere/at/all"}},
		"call":           {[]string{"call", "math", "sqrt", "16"}, []string{"not a JSON array or object"}},
		"call cut":       {[]string{"call", "math", "sqrt", "[16"}, []string{"not a JSON array or object"}},
		"call empty":     {[]string{"call", "math", "sqrt", ""}, []string{"not a JSON array or object"}},
		"plot as json":   {[]string{"loss", "x", "--plot", "-o", "json"}, []string{"--plot"}},
		"timeout":        {[]string{"wait", "x", "--timeout", "-3s"}, []string{"--timeout"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Setenv("FTD_SOCKET", nowhere(t))
			out, talk, status := run(t, c.args...)
			require.Equal(t, exitUsage, status, talk)
			require.Empty(t, out)
			for _, words := range c.says {
				require.Contains(t, talk, words)
			}
			require.LessOrEqual(t, strings.Count(talk, "\n"), 2, "a sentence and what to do:\n%s", talk)
		})
	}
}

func TestUsageErrorsAreJSONToo(t *testing.T) {
	for _, args := range [][]string{{"frob", "-o", "json"}, {"ps", "--frob", "-ojson"}, {"-o=json", "show"}, {"--output", "json", "run"}} {
		_, talk, status := run(t, args...)
		require.Equal(t, exitUsage, status)
		require.True(t, strings.HasPrefix(talk, `{"code":"usage","message":"`), talk)
	}
	_, talk, _ := run(t, "train", "--frob", "--", "x", "-o", "json")
	require.True(t, strings.HasPrefix(talk, "error: "), "-o json is the command's, not ours: %s", talk)
}

func TestNoDaemon(t *testing.T) {
	socket := nowhere(t)
	t.Setenv("FTD_SOCKET", socket)
	for _, args := range [][]string{{"ps"}, {"run", "tiny-llama"}, {"train", "--", "true"}, {"show", "x"}, {"logs", "x"}, {"loss", "x"},
		{"loss", "-f", "x"}, {"wait", "x"}, {"stop", "x"}, {"rm", "x"}, {"call", "math", "sqrt", "[4]"}, {"version"}} {
		_, talk, status := run(t, args...)
		require.Equal(t, exitUnreachable, status, "%v: %s", args, talk)
		require.Contains(t, talk, socket)
		require.Contains(t, talk, "what to do: ")
	}
	_, talk, status := run(t, "version", "--wait", "-1s")
	require.Equal(t, exitUsage, status)
	require.Contains(t, talk, "--wait cannot be less than nothing: -1s")
	out, _, status := run(t, "version", "-o", "json")
	require.Equal(t, exitUnreachable, status)
	require.Contains(t, out, `"daemon": null`)
	other := nowhere(t)
	_, talk, _ = run(t, "ps", "--socket", other)
	require.Contains(t, talk, other, "--socket wins over FTD_SOCKET")
}

func TestEveryVerbBeginsItsHelpWithExamples(t *testing.T) {
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			if sub.Name() == "help" || sub.Name() == "completion" || sub.Parent().Name() == "completion" {
				continue // cobra's own
			}
			require.NotEmpty(t, sub.Short, sub.CommandPath())
			require.Contains(t, sub.Example, "  "+sub.CommandPath(), sub.CommandPath())
			out, _, status := run(t, append(strings.Fields(sub.CommandPath())[1:], "--help")...)
			require.Zero(t, status)
			require.Less(t, strings.Index(out, "Examples:"), strings.Index(out, "Usage:"), sub.CommandPath())
			visit(sub)
		}
	}
	visit(newRootCommand())
}

func TestTheManualNamesEveryVerb(t *testing.T) {
	manual, err := os.ReadFile("../../docs/ftctl.md")
	require.NoError(t, err)
	for _, c := range newRootCommand().Commands() {
		if c.IsAvailableCommand() && c.Name() != "help" {
			require.Contains(t, string(manual), "### ftctl "+c.Name(), "docs/ftctl.md")
		}
	}
}

// `ftctl ... | head -1` must end without a word.
func TestQuietWhenThePipeIsClosed(t *testing.T) {
	cmd := ftctlProcess(t, nowhere(t), "--help")
	read, write, err := os.Pipe()
	require.NoError(t, err)
	var talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = write, &talk
	require.NoError(t, read.Close())
	err = cmd.Run()
	require.NoError(t, write.Close())
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		require.Equal(t, syscall.SIGPIPE, exit.Sys().(syscall.WaitStatus).Signal())
	} else {
		t.Fatal("it did not notice the closed pipe")
	}
	require.Empty(t, talk.String())
}
