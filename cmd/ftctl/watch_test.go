package main

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/mattn/go-runewidth"
	"github.com/stretchr/testify/require"

	"ftd/api"
)

// watched is a house with a training that stands at step 10 of 20, one of
// whose steps has overflowed.
func watched(t *testing.T) (*house, *stage, string) {
	t.Helper()
	h := newHouse(t)
	s := h.stage()
	id := h.submit(s.command()...)
	s.compile(7 * time.Second)
	s.steps(1, 6, 20)
	s.say(time.Now(), "{ Epoch:[  1/  1], step:[    7/   20], loss:[6.100/6.100], per_step_time: 31ms, lr: 1e-05, "+
		"overflow cond: True, loss_scale: 2048.0, global_norm: [0.5], train_throughput_per_npu: 0.000T")
	s.steps(8, 10, 20)
	eventually(t, "the steps", func() bool {
		j := h.job(id)
		return j.Training != nil && j.Training.StepsDone == 10 && j.Training.SamplesPerSec > 0
	})
	return h, s, id
}

func TestWatchATraining(t *testing.T) {
	h, s, id := watched(t)
	term := startFullScreen(t, 100, 40, ftctlProcess(t, h.socket, "watch", id))
	term.shows("step 10/20", "overflow 1", "×", "▶ train", "compiled in", "step:[   10/   20]", "50.0%", "lr")
	term.golden("watch.txt")

	s.steps(11, 15, 20)
	term.shows("step 15/20", "step:[   15/   20]")

	for _, size := range [][2]int{{60, 24}, {30, 8}, {5, 3}, {120, 50}} {
		term.emulator.Resize(size[0], size[1])
		require.NoError(t, pty.Setsize(term.master, &pty.Winsize{Cols: uint16(size[0]), Rows: uint16(size[1])}))
		eventually(t, "a screen of that size", func() bool {
			lines := strings.Split(term.screen(), "\n")
			return len(lines) == size[1] && strings.Contains("↑↓ other job ↑↓ job Esc jobs q qu…", lines[size[1]-1][:min(len(lines[size[1]-1]), 6)]) &&
				runewidth.StringWidth(lines[0]) <= size[0]
		})
	}
	term.press("\t")
	term.shows("lr")
	require.NotContains(t, term.screen(), "┤ 8.")
	term.press("q")
	require.Zero(t, term.end())
	require.Equal(t, api.StateRunning, h.job(id).State, "the job goes on")
	s.exit(0)
}

func TestWatchSeesTheEnd(t *testing.T) {
	h, s, id := watched(t)
	term := startFullScreen(t, 100, 40, ftctlProcess(t, h.socket, "watch", id))
	term.shows("▶ train")
	s.exit(1)
	term.shows("failed", "✗ train", "what to do")
	term.press("q")
	require.Zero(t, term.end())
}

func TestWatchSeveralJobs(t *testing.T) {
	h, s, id := watched(t)
	other := h.submit("sh", "-c", "echo words of the other; sleep 600")
	term := startFullScreen(t, 100, 30, ftctlProcess(t, h.socket, "watch"))
	term.shows("▶ "+other[:10], "  "+id[:10])
	term.press("\r")
	term.shows("words of the other", other)
	term.press("\x1b[B") // down, to the older one
	term.shows("step 10/20", id)
	term.press("\x1b")
	term.shows("▶ "+id[:10], "Enter show")
	term.press("\x1b[A")
	term.shows("▶ " + other[:10])
	term.press("\x03")
	require.Equal(t, exitInterrupted, term.end())
	s.exit(0)
}

func TestWatchLeavesTheTerminalAsItWas(t *testing.T) {
	h, s, id := watched(t)
	leave := map[string]func(*fullScreen){
		"Ctrl-C":  func(term *fullScreen) { term.press("\x03") },
		"SIGTERM": func(term *fullScreen) { require.NoError(t, term.cmd.Process.Signal(syscall.SIGTERM)) },
		"SIGINT":  func(term *fullScreen) { require.NoError(t, term.cmd.Process.Signal(syscall.SIGINT)) },
		"SIGHUP":  func(term *fullScreen) { require.NoError(t, term.cmd.Process.Signal(syscall.SIGHUP)) },
	}
	for name, how := range leave {
		t.Run(name, func(t *testing.T) {
			term := startFullScreen(t, 80, 30, ftctlProcess(t, h.socket, "watch", id))
			term.shows("step 10/20")
			how(term)
			require.Equal(t, exitInterrupted, term.end())
			require.Contains(t, term.screen(), "goes on")
			require.Equal(t, api.StateRunning, h.job(id).State)
		})
	}
	s.exit(0)
}

func TestWatchOutlivesTheDaemon(t *testing.T) {
	h, s, id := watched(t)
	term := startFullScreen(t, 100, 40, ftctlProcess(t, h.socket, "watch", id))
	term.shows("step 10/20", "step:[   10/   20]")
	h.kill()
	term.shows("the daemon does not answer")
	s.steps(11, 12, 20)
	h.open()
	term.shows("step 12/20", "step:[   12/   20]", "q quit")
	require.NotContains(t, term.screen(), "does not answer")

	before, err := h.client.GetVersion(t.Context())
	require.NoError(t, err)
	require.NoError(t, h.client.Restart(t.Context())) // in place
	_, err = untilRestarted(t.Context(), h.client, before.Started, func() {})
	require.NoError(t, err)
	s.steps(13, 14, 20)
	term.shows("step 14/20", "step:[   14/   20]", "q quit")
	h.kill()
	term.shows("the daemon does not answer")
	term.press("\x03")
	require.Equal(t, exitInterrupted, term.end())
	h.open()
	s.exit(0)
}

func TestWatchWithoutColours(t *testing.T) {
	h, s, id := watched(t)
	cmd := ftctlProcess(t, h.socket, "watch", id)
	cmd.Env = append(cmd.Env, "NO_COLOR=1")
	term := startFullScreen(t, 80, 30, cmd)
	term.shows("×")
	term.press("q")
	require.Zero(t, term.end())
	require.NotRegexp(t, `\x1b\[[0-9;]*3[0-9]m`, term.raw.String())
	s.exit(0)
}

func TestWatchNeedsATerminal(t *testing.T) {
	_, talk, status := run(t, "watch")
	require.Equal(t, exitUsage, status)
	require.Contains(t, talk, "needs a terminal")
	require.Contains(t, talk, "ftctl wait JOB")
	_, talk, status = run(t, "watch", "-o", "json")
	require.Equal(t, exitUsage, status)
	require.Contains(t, talk, "ftctl wait JOB -o json")

	term := startFullScreen(t, 80, 30, ftctlProcess(t, nowhere(t), "version"))
	require.Equal(t, exitUnreachable, term.end())
	h := newHouse(t)
	term = startFullScreen(t, 80, 30, ftctlProcess(t, h.socket, "watch", "nobody"))
	require.Equal(t, exitNotFound, term.end())
	require.Contains(t, term.screen(), "what to do")
}

// A mistake beside the screen ends the view in order.
func TestWatchEndsInOrderAfterAMistake(t *testing.T) {
	f := &feed{cancel: func() {}}
	f.begin(func() { panic("of a test") })
	f.close()
	w := &watch{feed: f}
	_, cmd := w.Update(standing{})
	require.NotNil(t, cmd)
	require.IsType(t, quit(), cmd())
	require.ErrorContains(t, w.feedFailed(), "of a test")
}
