package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What does not listen to the first Ctrl-C, such as a read from a pipe in
// which nothing comes, ends with the second.
func TestASecondCtrlCAlwaysEnds(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	pipe, err := os.OpenFile(fifo, os.O_RDWR, 0)
	require.NoError(t, err)
	defer pipe.Close()
	term := startInTerminal(t, 80, ftctlProcess(t, nowhere(t), "parse", "--summary", fifo))
	term.waitForLine("reading pipe")
	for range 2 {
		_, err = term.master.Write([]byte{3})
		require.NoError(t, err)
		// Two that come at once are one signal to the kernel.
		select {
		case <-term.ended:
			return
		case <-time.After(200 * time.Millisecond):
		}
	}
	select {
	case <-term.ended:
	case <-time.After(time.Minute):
		t.Fatal("it did not end")
	}
}

// `ftctl VERB | head -1` ends without a word, whatever the verb.
func TestQuietWhenNobodyReads(t *testing.T) {
	h := newHouse(t)
	s := h.stage()
	id := h.submit(s.command()...)
	s.steps(1, 3, 3)
	s.exit(0)
	h.ended(id)
	for _, args := range [][]string{{"ps", "-a"}, {"ps", "-a", "-o", "json"}, {"show", id}, {"logs", id}, {"logs", id, "--grep", "step"}, {"loss", id},
		{"loss", "--plot", id}, {"loss", id, "--svg", "-"}, {"loss", id, "-o", "csv"}, {"recipe", "ls"}, {"recipe", "show", "tiny-llama"}, {"completion", "bash"}, {"version"}} {
		cmd := ftctlProcess(t, h.socket, args...)
		read, write, err := os.Pipe()
		require.NoError(t, err)
		var talk bytes.Buffer
		cmd.Stdout, cmd.Stderr = write, &talk
		require.NoError(t, read.Close())
		err = cmd.Run()
		require.NoError(t, write.Close())
		var exit *exec.ExitError
		require.True(t, errors.As(err, &exit), "%v did not notice", args)
		require.Equal(t, syscall.SIGPIPE, exit.Sys().(syscall.WaitStatus).Signal(), "%v: %s", args, talk.String())
		require.Empty(t, talk.String(), args)
	}
}
