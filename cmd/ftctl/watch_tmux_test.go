package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// In tmux, which is where most trainings are watched: its own terminal, its
// own answers, its own other screen.
func TestWatchInTmux(t *testing.T) {
	tmux, err := exec.LookPath("tmux")
	if err != nil {
		t.Skip("there is no tmux")
	}
	h, s, id := watched(t)
	self, err := os.Executable()
	require.NoError(t, err)
	socket := filepath.Join(h.dir, "tmux")
	do := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), tmux, append([]string{"-S", socket, "-f", "/dev/null"}, args...)...)
		cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TMUX=")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "tmux %v: %s", args, out)
		return string(out)
	}
	do("new-session", "-d", "-x", "100", "-y", "40", "env "+asFtctl+"=1 FTD_SOCKET="+h.socket+" "+self+" watch "+id+"; echo ended $?; exec sleep 600")
	defer func() { do("kill-server") }()
	sees := func(words string) {
		t.Helper()
		require.Eventually(t, func() bool { return strings.Contains(do("capture-pane", "-p"), words) }, 30*time.Second, 20*time.Millisecond, words)
	}
	for _, words := range []string{"step 10/20", "▶ train", "×", "─ log ─", "q quit"} {
		sees(words)
	}
	do("resize-window", "-x", "70", "-y", "30")
	s.steps(11, 12, 20)
	sees("step 12/20")
	do("send-keys", "q")
	sees("ended 0")
	require.NotContains(t, do("capture-pane", "-p"), "step 12/20", "the other screen is left")
	require.Equal(t, "0\n", do("display-message", "-p", "#{alternate_on}"))
	require.Equal(t, "1\n", do("display-message", "-p", "#{cursor_flag}"))
	s.exit(0)
}
