package main

import (
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/mattn/go-runewidth"
	"github.com/stretchr/testify/require"

	"ftd/api"
)

// compiling brings a job into its compile phase, seven seconds ago.
func (h *house) compiling(id string) {
	h.t.Helper()
	h.begin(id)
	h.logged(id, api.Training{Phase: api.PhaseCompiling, PhaseSince: time.Now().Add(-7 * time.Second)})
}

func TestATrainingOnATerminal(t *testing.T) {
	h := newHouse(t)
	s := startInTerminal(t, 100, ftctlProcess(t, h.socket, "train", "--", "true"))
	id := h.submitted()
	h.compiling(id)
	s.waitForLine("compiling 00:07, nothing is wrong: the first compile takes minutes on a card")
	s.waitForLine("compiling 00:08") // the clock goes on where nothing happens

	points := losses(falling(10)...)
	training := api.Training{Phase: api.PhaseTraining, PhaseSince: time.Now(), Last: &points[9], StepsDone: 10, StepsTotal: 20,
		StepSeconds: 0.031, SamplesPerSec: 18.2, SecondsLeft: api.Float(0.31).Ptr()}
	h.logged(id, training, points...)
	s.waitForLine("  step 10/20  loss 4.")
	s.waitForLine("  0.031 s/step  18.2 samples/s  left 0:01  overflow 0")

	h.end(id, api.StateSucceeded, nil)
	require.Zero(t, s.end())
	screen := s.screen()
	for _, words := range []string{"✓ train  ", "  compiled in ", "┤", "overflow    0 steps", "job " + id + " succeeded in"} {
		require.Contains(t, screen, words)
	}
	require.NotContains(t, screen, "nothing is wrong", "the live line must not stay")
	require.NotContains(t, screen, "samples/s", "the live line must not stay")
	require.Contains(t, s.raw.String(), "\x1b[32m✓", "a terminal has colours")
}

func TestATerminalThatBecomesNarrow(t *testing.T) {
	h := newHouse(t)
	s := startInTerminal(t, 100, ftctlProcess(t, h.socket, "train", "--", "true"))
	id := h.submitted()
	h.compiling(id)
	s.waitForLine("minutes on a card")
	for _, columns := range []uint16{40, 7, 90} {
		require.NoError(t, pty.Setsize(s.master, &pty.Winsize{Rows: 50, Cols: columns}))
		eventually(t, "a line that fits", func() bool {
			width := runewidth.StringWidth(s.line())
			return width < int(columns) && width >= min(int(columns)-1, 70) // the line is a little longer
		})
	}
	h.end(id, api.StateSucceeded, nil)
	require.Zero(t, s.end())
}

func TestCtrlCDetaches(t *testing.T) {
	h := newHouse(t)
	for _, verb := range []string{"train", "wait"} {
		args := []string{"train", "--", "true"}
		if verb == "wait" {
			args = []string{"wait", h.submitted()}
		}
		s := startInTerminal(t, 100, ftctlProcess(t, h.socket, args...))
		id := h.submitted()
		if verb == "train" {
			h.compiling(id)
		}
		s.waitForLine("compiling ")
		_, err := s.master.Write([]byte{3})
		require.NoError(t, err)
		require.Equal(t, exitInterrupted, s.end())
		// It may be broken by the terminal, which is as wide as it is.
		text := strings.Join(strings.Fields(s.screen()), " ")
		require.Contains(t, text, "detached: job "+id+" goes on; follow it again with `ftctl wait "+id+"`, stop it with `ftctl stop "+id+"`")
		require.NotContains(t, s.screen(), "compiling ")
		require.NotContains(t, s.screen(), "error")
		job, err := engine{h}.Job(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, api.StateRunning, job.State, "Ctrl-C must not stop the job")
	}
}

func TestTerminalsThatCannotDraw(t *testing.T) {
	h := newHouse(t)
	cmd := ftctlProcess(t, h.socket, "train", "--", "true")
	cmd.Env = append(cmd.Env, "TERM=dumb")
	s := startInTerminal(t, 80, cmd)
	id := h.submitted()
	h.train(id)
	h.end(id, api.StateSucceeded, nil)
	require.Zero(t, s.end())
	require.Contains(t, s.screen(), "compiling, nothing is wrong")
	require.NotContains(t, s.raw.String(), "\x1b")
}

func TestNoColour(t *testing.T) {
	h := newHouse(t)
	cmd := ftctlProcess(t, h.socket, "train", "--", "true")
	cmd.Env = append(cmd.Env, "NO_COLOR=1")
	s := startInTerminal(t, 80, cmd)
	id := h.submitted()
	h.compiling(id)
	s.waitForLine("compiling ")
	h.end(id, api.StateFailed, failure())
	require.Equal(t, exitJob, s.end())
	require.Contains(t, s.screen(), "✗ train  failed after")
	require.NotContains(t, s.raw.String(), "m✗")
}

func TestALossPictureThatIsFollowed(t *testing.T) {
	h := newHouse(t)
	id := h.submit("true")
	h.begin(id)
	points := losses(falling(20)...)
	h.logged(id, api.Training{Phase: api.PhaseTraining}, points[:10]...)
	s := startInTerminal(t, 80, ftctlProcess(t, h.socket, "loss", "--plot", "-f", id))
	eventually(t, "the picture", func() bool { return strings.Contains(s.screen(), "step 10  loss") })
	h.logged(id, api.Training{Phase: api.PhaseTraining}, points[10:]...)
	eventually(t, "the next picture", func() bool { return strings.Contains(s.screen(), "step 20  loss") })
	h.end(id, api.StateSucceeded, nil)
	require.Zero(t, s.end())
	require.NotContains(t, s.screen(), "step 10  loss", "it is drawn over")
	require.Equal(t, 1, strings.Count(s.screen(), "┼"))
}
