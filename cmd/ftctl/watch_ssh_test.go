package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"
)

// sshd starts one of our own, for this user and this test, and returns the
// command that runs something through it in a terminal. The test is skipped
// where there is none, or where it lets nobody in.
func sshd(t *testing.T, dir string) func(command string) *exec.Cmd {
	t.Helper()
	server := "/usr/sbin/sshd" // must be started by its whole path
	for _, program := range []string{server, "ssh", "ssh-keygen"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s; on Debian: apt-get install openssh-server openssh-client", program)
		}
	}
	if os.Getuid() == 0 {
		require.NoError(t, os.MkdirAll("/run/sshd", 0o755)) // which sshd asks for
	}
	for _, key := range []string{"host", "user"} {
		out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, key)).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
	require.NoError(t, l.Close())
	var said lockedText
	daemon := exec.Command(server, "-D", "-e", "-f", "/dev/null", "-p", port, "-h", filepath.Join(dir, "host"), "-o", "ListenAddress=127.0.0.1", "-o", "PidFile=none",
		"-o", "UsePAM=no", "-o", "StrictModes=no", "-o", "PermitRootLogin=yes", "-o", "AuthorizedKeysFile="+filepath.Join(dir, "user.pub"))
	daemon.Stderr = &said
	require.NoError(t, daemon.Start())
	t.Cleanup(func() {
		_ = daemon.Process.Kill()
		_ = daemon.Wait()
	})
	eventually(t, "sshd", func() bool { return strings.Contains(said.String(), "Server listening") })
	me, err := user.Current()
	require.NoError(t, err)
	ssh := func(command string) *exec.Cmd {
		return exec.CommandContext(t.Context(), "ssh", "-tt", "-F", "none", "-p", port, "-i", filepath.Join(dir, "user"), "-l", me.Username, "-o", "BatchMode=yes",
			"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "127.0.0.1", command)
	}
	if out, err := ssh("true").CombinedOutput(); err != nil {
		t.Skipf("sshd lets nobody in here: %s\n%s", out, said.String())
	}
	return ssh
}

// Over ssh, from a terminal elsewhere: its size is followed, it is left as it
// was, and with the connection goes all that ran at its other end.
func TestWatchOverSSH(t *testing.T) {
	h, s, id := watched(t)
	ssh := sshd(t, h.dir)
	self, err := os.Executable()
	require.NoError(t, err)
	pidFile := filepath.Join(h.dir, "watch.pid")
	command := "echo $$ >" + pidFile + "; exec env " + asFtctl + "=1 FTD_SOCKET=" + h.socket + " TERM=xterm-256color " + self + " watch " + id
	gone := func() bool {
		text, err := os.ReadFile(pidFile)
		require.NoError(t, err)
		var pid int
		_, err = fmt.Sscan(string(text), &pid)
		require.NoError(t, err)
		return syscall.Kill(pid, 0) != nil
	}

	term := startFullScreen(t, 100, 40, ssh(command))
	term.shows("step 10/20", "▶ train", "q quit; the job goes on")
	require.NoError(t, pty.Setsize(term.master, &pty.Winsize{Cols: 58, Rows: 20}))
	term.emulator.Resize(58, 20)
	s.steps(11, 12, 20)
	term.shows("step 12/20", "Tab picture   Esc jobs")
	term.press("q")
	require.Zero(t, term.end())
	require.True(t, gone())

	term = startFullScreen(t, 100, 40, ssh(command))
	term.shows("step 12/20")
	term.press("\x03")
	require.Equal(t, exitInterrupted, term.end())
	require.Contains(t, term.screen(), "goes on")

	term = startFullScreen(t, 100, 40, ssh(command))
	term.shows("step 12/20")
	require.False(t, gone())
	require.NoError(t, term.cmd.Process.Kill()) // as a connection that breaks
	eventually(t, "the end of watch at the other end", gone)
	s.exit(0)
}
