package main

import (
	"io"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/charmbracelet/x/vt"
	"github.com/stretchr/testify/require"
)

// fullScreen is a pseudo-terminal with an emulator behind it, for programs
// that take the whole screen.
type fullScreen struct {
	inPty
	emulator *vt.SafeEmulator
	drawing  sync.Mutex // cells are handed out by address
	raw      lockedText
}

func startFullScreen(t *testing.T, columns, rows int, cmd *exec.Cmd) *fullScreen {
	t.Helper()
	s := &fullScreen{inPty: startInPty(t, columns, rows, cmd), emulator: vt.NewSafeEmulator(columns, rows)}
	answered := make(chan struct{})
	go func() { // what a terminal answers when it is asked what it is
		defer close(answered)
		buf := make([]byte, 1024)
		for {
			n, err := s.emulator.Read(buf)
			if err != nil {
				return
			}
			_, _ = s.master.Write(buf[:n])
		}
	}()
	go func() {
		defer close(s.drawn)
		buf := make([]byte, 4096)
		for {
			n, err := s.master.Read(buf)
			s.raw.add(string(buf[:n]))
			s.drawing.Lock()
			_, _ = s.emulator.Write(buf[:n])
			s.drawing.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the screen:\n%s", s.screen())
		}
		_ = cmd.Process.Kill()
		<-s.drawn
		// Close alone would set what Read looks at meanwhile.
		require.NoError(t, s.emulator.InputPipe().(io.Closer).Close())
		<-answered
		require.NoError(t, s.emulator.Close())
		require.NoError(t, s.master.Close())
	})
	return s
}

// screen is all that can be seen, without spaces at the ends of lines.
func (s *fullScreen) screen() string {
	s.drawing.Lock()
	defer s.drawing.Unlock()
	var lines []string
	for y := range s.emulator.Height() {
		var line strings.Builder
		for x := range s.emulator.Width() {
			if cell := s.emulator.CellAt(x, y); cell != nil {
				line.WriteString(cell.Content)
			}
		}
		lines = append(lines, strings.TrimRight(line.String(), " "))
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

func (s *fullScreen) shows(words ...string) {
	s.t.Helper()
	for _, w := range words {
		eventually(s.t, w, func() bool { return strings.Contains(s.screen(), w) })
	}
}

func (s *fullScreen) press(keys string) {
	s.t.Helper()
	_, err := s.master.WriteString(keys)
	require.NoError(s.t, err)
}

// end waits for the program and checks that it left the terminal as it was.
func (s *fullScreen) end() (status int) {
	s.t.Helper()
	status = s.endedClean(s.screen)
	require.False(s.t, s.emulator.IsAltScreen(), "the other screen must be left")
	raw := s.raw.String()
	for on, off := range map[string]string{"\x1b[?1049h": "\x1b[?1049l", "\x1b[?25l": "\x1b[?25h", "\x1b[?2004h": "\x1b[?2004l"} {
		require.LessOrEqual(s.t, strings.LastIndex(raw, on), strings.LastIndex(raw, off), "%q must be undone", on)
	}
	for _, asked := range []string{"\x1b[?1000h", "\x1b[?1002h", "\x1b[?1003h", "\x1b[?1004h"} {
		require.NotContains(s.t, raw, asked, "the mouse stays the terminal's")
	}
	return status
}

// golden compares the screen once what is another each time is replaced:
// clocks, times, ids and directories.
func (s *fullScreen) golden(name string) {
	s.t.Helper()
	screen := s.screen()
	for _, r := range []struct{ of, with string }{
		{`\b[0-9a-hjkmnp-tv-z]{26}\b`, "JOBJOBJOBJOBJOBJOBJOBJOBJO"},
		{`\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\b`, "YYYY-MM-DD HH:MM:SS,mmm"},
		{`\b\d\d:\d\d\b`, "MM:SS"},
	} {
		screen = regexp.MustCompile(r.of).ReplaceAllString(screen, r.with)
	}
	golden(s.t, name, screen+"\n")
}
