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

func TestATrainingOnATerminal(t *testing.T) {
	h := newHouse(t)
	s := h.stage()
	term := startInTerminal(t, 100, ftctlProcess(t, h.socket, s.ftctl()...))
	id := h.submitted()
	s.compile(7 * time.Second)
	term.waitForLine(", nothing is wrong: the first compile takes minutes on a card")
	first := term.line()
	require.Regexp(t, `^  compiling 00:\d\d, `, first)
	eventually(t, "the clock to go on where nothing happens", func() bool { return term.line() != first })

	s.steps(1, 10, 20)
	term.waitForLine("  step 10/20  loss 5.339  0.031 s/step  18.2 samples/s  left 0:01  overflow 0")
	s.exit(0)
	require.Zero(t, term.end())
	screen := term.screen()
	for _, words := range []string{"✓ train  ", "  compiled in ", "┤", "overflow    0 steps", "job " + id + " succeeded in"} {
		require.Contains(t, screen, words)
	}
	require.NotContains(t, screen, "nothing is wrong", "the live line must not stay")
	require.NotContains(t, screen, "samples/s", "the live line must not stay")
	require.Contains(t, term.raw.String(), "\x1b[32m✓", "a terminal has colours")
}

func TestATerminalThatBecomesNarrow(t *testing.T) {
	h := newHouse(t)
	s := h.stage()
	term := startInTerminal(t, 100, ftctlProcess(t, h.socket, s.ftctl()...))
	s.compile(7 * time.Second)
	term.waitForLine("minutes on a card")
	for _, columns := range []uint16{40, 7, 90} {
		require.NoError(t, pty.Setsize(term.master, &pty.Winsize{Rows: 50, Cols: columns}))
		eventually(t, "a line that fits", func() bool {
			width := runewidth.StringWidth(term.line())
			return width < int(columns) && width >= min(int(columns)-1, 70) // the line is a little longer
		})
	}
	s.exit(0)
	require.Zero(t, term.end())
}

func TestCtrlCDetaches(t *testing.T) {
	h := newHouse(t)
	s := h.stage()
	for _, verb := range []string{"train", "wait"} {
		args := s.ftctl()
		if verb == "wait" {
			args = []string{"wait", h.submitted()}
		}
		term := startInTerminal(t, 100, ftctlProcess(t, h.socket, args...))
		id := h.submitted()
		if verb == "train" {
			s.compile(0)
		}
		term.waitForLine("compiling ")
		_, err := term.master.Write([]byte{3})
		require.NoError(t, err)
		require.Equal(t, exitInterrupted, term.end())
		require.Contains(t, term.screen(), "detached: job "+id+" goes on; follow it again with `ftctl wait "+id+"`, stop it with `ftctl stop "+id+"`")
		require.NotContains(t, term.screen(), "compiling ")
		require.NotContains(t, term.screen(), "error")
		require.Equal(t, api.StateRunning, h.job(id).State, "Ctrl-C must not stop the job")
	}
}

func TestAFollowerSaysThatTheDaemonIsAway(t *testing.T) {
	h := newHouse(t)
	s := h.stage()
	term := startInTerminal(t, 100, ftctlProcess(t, h.socket, s.ftctl()...))
	s.compile(0)
	term.waitForLine("compiling ")
	h.kill()
	eventually(t, "a word about it", func() bool { return strings.Contains(term.screen(), "the daemon does not answer") })
	term.waitForLine("compiling ") // the clock goes on
	s.exit(0)
	h.open()
	require.Zero(t, term.end())
	require.Equal(t, 1, strings.Count(term.screen(), "does not answer"))
	require.Equal(t, 1, strings.Count(term.screen(), "✓ train"))
}

// What waits for a terminal's input cannot be told to stop, and ends all the same.
func TestCtrlCEndsWhatReadsFromTheTerminal(t *testing.T) {
	term := startInTerminal(t, 100, ftctlProcess(t, nowhere(t), "run", "-"))
	eventually(t, "its end", func() bool {
		_, err := term.master.Write([]byte{3}) // it may not have begun to listen
		require.NoError(t, err)
		return len(term.ended) > 0
	})
}

func TestTerminalsThatCannotDraw(t *testing.T) {
	h := newHouse(t)
	s := h.stage()
	cmd := ftctlProcess(t, h.socket, s.ftctl()...)
	cmd.Env = append(cmd.Env, "TERM=dumb")
	term := startInTerminal(t, 80, cmd)
	s.compile(time.Second)
	s.steps(1, 10, 10)
	s.exit(0)
	require.Zero(t, term.end())
	require.Contains(t, term.screen(), "compiling, nothing is wrong")
	require.NotContains(t, term.raw.String(), "\x1b")
}

func TestNoColour(t *testing.T) {
	h := newHouse(t)
	s := h.stage()
	cmd := ftctlProcess(t, h.socket, s.ftctl()...)
	cmd.Env = append(cmd.Env, "NO_COLOR=1")
	term := startInTerminal(t, 80, cmd)
	s.compile(time.Second)
	term.waitForLine("compiling ")
	s.exit(1)
	require.Equal(t, exitJob, term.end())
	require.Contains(t, term.screen(), "✗ train  failed after")
	require.NotContains(t, term.raw.String(), "m✗")
}

func TestALossPictureThatIsFollowed(t *testing.T) {
	h := newHouse(t)
	s := h.stage()
	id := h.submit(s.command()...)
	s.steps(1, 10, 20)
	term := startInTerminal(t, 80, ftctlProcess(t, h.socket, "loss", "--plot", "-f", id))
	eventually(t, "the picture", func() bool { return strings.Contains(term.screen(), "step 10  loss") })
	s.steps(11, 20, 20)
	eventually(t, "the next picture", func() bool { return strings.Contains(term.screen(), "step 20  loss") })
	s.exit(0)
	require.Zero(t, term.end())
	require.NotContains(t, term.screen(), "step 10  loss", "it is drawn over")
	require.Equal(t, 1, strings.Count(term.screen(), "┼"))
}
