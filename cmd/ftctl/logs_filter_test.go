package main

import (
	"bufio"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const sampleLog = `==> convert.1/step.log <==
no time here
==> train.1/rank_0.log <==
2026-03-01 11:40:00,123 - mindformers - INFO - old
Traceback of the old
[WARNING] ME(12:34,MainProcess):2026-03-01-11:55:00.123.456 [a.py:1] newer
a line of the newer
2026-03-01T12:59:00.5+01:00 in another zone
`

func filtered(t *testing.T, since, grep string) (string, *lineFilter) {
	t.Helper()
	f, err := newLineFilter(since, grep, noon)
	require.NoError(t, err)
	f.loc = time.UTC
	var out strings.Builder
	require.NoError(t, filterLines(strings.NewReader(sampleLog), f, newLineWriter(&out, false, false), func() error { return nil }))
	return out.String(), f
}

func TestLogsSince(t *testing.T) {
	out, _ := filtered(t, "10m", "")
	require.Equal(t, `==> train.1/rank_0.log <==
[WARNING] ME(12:34,MainProcess):2026-03-01-11:55:00.123.456 [a.py:1] newer
a line of the newer
2026-03-01T12:59:00.5+01:00 in another zone
`, out)
	out, _ = filtered(t, "2026-03-01T11:58:00Z", "")
	require.Equal(t, "==> train.1/rank_0.log <==\n2026-03-01T12:59:00.5+01:00 in another zone\n", out)
	out, f := filtered(t, "1s", "")
	require.Empty(t, out)
	require.Equal(t, "no line is that new", f.nothing())
}

func TestLogsGrep(t *testing.T) {
	out, _ := filtered(t, "", "time|old")
	require.Equal(t, `==> convert.1/step.log <==
no time here
==> train.1/rank_0.log <==
2026-03-01 11:40:00,123 - mindformers - INFO - old
Traceback of the old
`, out)
	out, f := filtered(t, "10m", "old")
	require.Empty(t, out)
	require.Contains(t, f.nothing(), "since then matches")
}

func TestLogsSinceAndGrepThatAreWrong(t *testing.T) {
	for _, args := range [][]string{{"--since", "yesterday"}, {"--since", "-3m"}, {"--grep", "("}, {"-q"}} {
		_, talk, status := run(t, append([]string{"logs", "x"}, args...)...)
		require.Equal(t, exitUsage, status, args)
		require.Contains(t, talk, "what to do: ", args)
	}
}

func TestLogsOfAJobGrepped(t *testing.T) {
	h := newHouse(t)
	s := h.stage()
	id := h.submit(s.command()...)
	s.say(time.Now().Add(-time.Hour), "long ago")
	s.say(time.Now(), "just now")
	s.exit(0)
	h.ended(id)
	out, _, status := run(t, "logs", id, "--since", "10m")
	require.Zero(t, status)
	require.Contains(t, out, "just now")
	require.NotContains(t, out, "long ago")
	out, _, _ = run(t, "logs", id, "--grep", "long", "-o", "json")
	require.Equal(t, 1, strings.Count(out, "\n"))
	require.Contains(t, out, `"line":"`)
	out, talk, status := run(t, "logs", id, "--grep", "never")
	require.Equal(t, exitFailed, status)
	require.Empty(t, out)
	require.Equal(t, "no line matches\n", talk)
	out, talk, status = run(t, "logs", id, "-q", "--grep", "just")
	require.Zero(t, status)
	require.Empty(t, out+talk)
	_, _, status = run(t, "logs", id, "-q", "--grep", "never")
	require.Equal(t, exitFailed, status)

	plain := h.submit("echo", "no time")
	h.ended(plain)
	_, talk, status = run(t, "logs", plain, "--since", "1h")
	require.Equal(t, exitFailed, status)
	require.Contains(t, talk, "no line of the log says when")
}

// With -f it goes on to the end, and shows each match as it comes.
func TestLogsFollowedAndGrepped(t *testing.T) {
	h := newHouse(t)
	s := h.stage()
	id := h.submit(s.command()...)
	term := startInTerminal(t, 100, ftctlProcess(t, h.socket, "logs", "-f", id, "--grep", "two"))
	s.line("one")
	s.line("two")
	eventually(t, "the line", func() bool { return strings.Contains(term.screen(), "two") })
	require.NotContains(t, term.screen(), "one")
	s.exit(0)
	require.Zero(t, term.end())
}

// Lines are gathered while more are there, and put out before it waits.
func TestLinesAreWrittenTogetherButNotHeldBack(t *testing.T) {
	var out writes
	buffered := bufio.NewWriter(&out)
	log, training := io.Pipe()
	ended := make(chan error)
	go func() {
		ended <- filterLines(log, &lineFilter{}, newLineWriter(buffered, false, false), buffered.Flush)
	}()
	_, err := io.WriteString(training, strings.Repeat("line\n", 100))
	require.NoError(t, err)
	_, err = io.WriteString(training, "half") // it has asked for more, so all lines are out
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("line\n", 100), out.String())
	require.Equal(t, 1, out.calls)
	require.NoError(t, training.Close())
	require.NoError(t, <-ended)
	require.True(t, strings.HasSuffix(out.String(), "line\nhalf\n"))
}
