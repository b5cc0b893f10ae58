package main

import (
	"os"
	"os/exec"
	"os/signal"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// inPty is a program in a pseudo-terminal. Who draws what it writes reads it
// from master, and closes drawn at the end.
type inPty struct {
	t      *testing.T
	cmd    *exec.Cmd
	master *os.File
	before *unix.Termios
	ended  chan error
	drawn  chan struct{} // closed when all it wrote was drawn
}

func startInPty(t *testing.T, columns, rows int, cmd *exec.Cmd) inPty {
	t.Helper()
	master, tty, err := pty.Open()
	require.NoError(t, err)
	require.NoError(t, pty.Setsize(master, &pty.Winsize{Rows: uint16(rows), Cols: uint16(columns)}))
	before, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	require.NoError(t, err)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
	require.NoError(t, startHeeding(cmd, unix.SIGHUP))
	require.NoError(t, tty.Close())
	p := inPty{t: t, cmd: cmd, master: master, before: before, ended: make(chan error, 1), drawn: make(chan struct{})}
	go func() { p.ended <- cmd.Wait() }()
	return p
}

// startHeeding starts a program that may end by the signal, as those in a
// terminal do, though these tests may run under nohup: what Go has a handler
// for is back at its default in a child.
func startHeeding(cmd *exec.Cmd, sig os.Signal) error {
	heard := make(chan os.Signal, 1)
	signal.Notify(heard, sig)
	defer signal.Stop(heard)
	return cmd.Start()
}

// endedClean waits until the program has ended and all was drawn, and checks
// that it left the modes of the terminal as they were.
func (p *inPty) endedClean(screen func() string) (status int) {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(time.Minute):
		p.t.Fatalf("it did not end; the screen:\n%s", screen())
	}
	after, err := unix.IoctlGetTermios(int(p.master.Fd()), unix.TCGETS)
	require.NoError(p.t, err)
	require.Equal(p.t, p.before, after, "the modes of the terminal were changed")
	<-p.drawn
	return p.cmd.ProcessState.ExitCode()
}
