package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestProgressOfWhatTakesLong(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "slow.log")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	pipe, err := os.OpenFile(fifo, os.O_RDWR, 0)
	require.NoError(t, err)
	term := startInTerminal(t, 80, ftctlProcess(t, nowhere(t), "parse", "--summary", fifo))
	term.waitForLine("reading slow.log  00:0")
	_, err = pipe.WriteString("2026-03-01 12:00:00,000 - mindformers./output/log[mindformers/core/callback/callback.py:494] - INFO - .........Starting Training Model..........\n")
	require.NoError(t, err)
	// The reader sees the end once nobody has the pipe open for writing.
	require.NoError(t, pipe.Close())
	require.Zero(t, term.end())
	require.NotContains(t, term.screen(), "reading", "the bar is taken away")
	require.Contains(t, term.screen(), "slow.log")
}

func TestProgressIsForTerminalsOnly(t *testing.T) {
	var talk strings.Builder
	root := newRoot(nil, nil, &talk, &talk)
	p := showProgress(root, "x", 1)
	require.Nil(t, p.done)
	p.say("y")
	p.stop()
	require.Empty(t, talk.String())
}

func TestTheBar(t *testing.T) {
	var out strings.Builder
	p := &progress{w: &out, what: "verifying a.ckpt", total: 200}
	p.draw(63*time.Second, 50)
	require.Equal(t, clearLine+"  █████░░░░░░░░░░░░░░░  25 %  verifying a.ckpt  01:03", out.String())
	out.Reset()
	p.draw(time.Second, 900)
	require.Contains(t, out.String(), "100 %")
}

// What the bars count by.
func TestTheKernelCountsWhatIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	require.NoError(t, os.WriteFile(path, make([]byte, 1<<20), 0o600))
	before := bytesRead()
	_, err := os.ReadFile(path)
	require.NoError(t, err)
	require.GreaterOrEqual(t, bytesRead()-before, int64(1<<20))
	require.EqualValues(t, 1<<20, sizes([]string{path}))
	require.Zero(t, sizes([]string{path, "-"}))
}
