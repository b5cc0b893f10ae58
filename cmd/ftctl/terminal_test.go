package main

import (
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// terminal is a pseudo-terminal with a program in it, and what a person sees.
// It understands what ftctl is allowed to send, and fails the test on anything
// else: a sequence that changes a mode would have to be undone.
type terminal struct {
	inPty

	mu      sync.Mutex
	rows    [][]rune
	row     int
	col     int
	painted bool // a colour is on
	unknown string
	raw     strings.Builder
}

func startInTerminal(t *testing.T, columns int, cmd *exec.Cmd) *terminal {
	t.Helper()
	s := &terminal{inPty: startInPty(t, columns, 50, cmd), rows: make([][]rune, 1)}
	go func() {
		defer close(s.drawn)
		s.read()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-s.drawn
		require.NoError(t, s.master.Close())
	})
	return s
}

func (s *terminal) read() {
	buf := make([]byte, 4096)
	var rest []byte
	for {
		n, err := s.master.Read(buf)
		rest = append(rest, buf[:n]...)
		s.mu.Lock()
		s.raw.Write(buf[:n])
		rest = s.feed(rest)
		s.mu.Unlock()
		if err != nil {
			return // EIO: nobody has the terminal open any more
		}
	}
}

var sequence = regexp.MustCompile(`^\x1b\[([0-9;]*)([A-Za-z])`)

// feed draws what is complete and returns the rest.
func (s *terminal) feed(data []byte) []byte {
	for len(data) > 0 {
		switch c := data[0]; {
		case c == '\r':
			s.col = 0
		case c == '\n':
			s.row++
			if s.row == len(s.rows) {
				s.rows = append(s.rows, nil)
			}
		case c == 0x1b:
			m := sequence.FindSubmatch(data)
			if m == nil {
				return data
			}
			s.control(string(m[1]), string(m[2]))
			data = data[len(m[0]):]
			continue
		case !utf8.FullRune(data):
			return data
		default:
			r, n := utf8.DecodeRune(data)
			line := s.rows[s.row]
			for len(line) <= s.col {
				line = append(line, ' ')
			}
			line[s.col] = r
			s.rows[s.row] = line
			s.col++
			data = data[n:]
			continue
		}
		data = data[1:]
	}
	return nil
}

func (s *terminal) control(argument, letter string) {
	switch letter {
	case "m":
		s.painted = argument != "0"
	case "K":
		s.rows[s.row] = s.rows[s.row][:min(s.col, len(s.rows[s.row]))]
	case "A":
		n, _ := strconv.Atoi(argument)
		s.row = max(s.row-n, 0)
	case "J":
		s.rows = s.rows[:s.row+1]
		s.rows[s.row] = nil
	default:
		s.unknown += argument + letter + " "
	}
}

// line is the line that the cursor is on.
func (s *terminal) line() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.rows[s.row])
}

// screen is all that can be seen.
func (s *terminal) screen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, r := range s.rows {
		lines = append(lines, strings.TrimRight(string(r), " "))
	}
	return strings.Join(lines, "\n")
}

func (s *terminal) waitForLine(words string) {
	s.t.Helper()
	eventually(s.t, words, func() bool { return strings.Contains(s.line(), words) })
}

// end waits for the program and checks that it left the terminal as it was.
func (s *terminal) end() (status int) {
	s.t.Helper()
	status = s.endedClean(s.screen)
	require.Empty(s.t, s.line(), "the prompt of the shell must begin a line")
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Empty(s.t, s.unknown, "sequences that nobody undoes")
	require.False(s.t, s.painted, "the colour is still on")
	return status
}
