package logparse

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzTailer lets a writer do everything that writers do to a log file, and
// looks whether each life of the file is read whole and once. The tailer looks
// after each deed; what a writer undoes between two looks nobody can read.
func FuzzTailer(f *testing.F) {
	f.Add([]byte("aaTarRbdc"))
	f.Add([]byte("aSTaSraSdaScaT"))
	f.Add([]byte("cccrrrdddTTT"))
	f.Fuzz(func(t *testing.T, deeds []byte) {
		if len(deeds) > 40 {
			deeds = deeds[:40]
		}
		path := filepath.Join(t.TempDir(), "log")
		tail := NewTailer(path, Position{})
		defer func() { tail.Close() }()
		var lives, read []string // what was written, what was read
		var at Position
		look := func() {
			for range 3 { // a replaced file is left at the second look at its end
				for {
					c, err := tail.look()
					if err != nil {
						t.Fatal(err)
					}
					if len(c.Data) == 0 {
						break
					}
					if c.Fresh || len(read) == 0 {
						read = append(read, "")
					}
					read[len(read)-1] += string(c.Data)
					at = c.Next
				}
			}
		}
		n := 0
		write := func() {
			n++
			text := fmt.Sprintf("%d %s\n", n, strings.Repeat("x", n%7*30))
			g, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			if _, err := g.WriteString(text); err != nil {
				t.Fatal(err)
			}
			lives[len(lives)-1] += text
		}
		begin := func() { lives = append(lives, ""); write() }
		begin()
		look()
		for _, deed := range deeds {
			switch deed {
			case 'a':
				write()
			case 'T': // truncated, and written again at once
				os.Truncate(path, 0)
				begin()
			case 'r': // rotated; the old one gets a last line
				os.Rename(path, fmt.Sprintf("%s.%d", path, n))
				begin()
			case 'd':
				os.Remove(path)
				begin()
			case 'c': // replaced by another file
				os.Rename(path, path+".bak")
				os.WriteFile(path, nil, 0o600)
				begin()
			case 'S': // the program that reads is started again
				tail.Close()
				tail = NewTailer(path, at)
			default:
				continue
			}
			look()
		}
		if got, want := strings.Join(read, "|"), strings.Join(lives, "|"); got != want {
			t.Fatalf("%q\nread:    %q\nwritten: %q", deeds, read, lives)
		}
	})
}

// Whoever has a rotated file still open may write to it after it was read to
// its end: it is looked at once more before the new one is begun.
func TestLateWriterOfARotatedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	require.NoError(t, os.WriteFile(path, []byte("one\n"), 0o600))
	old, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	defer old.Close()
	tail := NewTailer(path, Position{})
	defer func() { require.NoError(t, tail.Close()) }()
	see := func(want string, fresh bool) {
		t.Helper()
		c, err := tail.look()
		require.NoError(t, err)
		require.Equal(t, want, string(c.Data))
		require.Equal(t, fresh, c.Fresh)
	}
	see("one\n", false)
	require.NoError(t, os.Rename(path, path+".1"))
	require.NoError(t, os.WriteFile(path, []byte("new\n"), 0o600))
	see("", false)
	_, err = old.WriteString("late\n")
	require.NoError(t, err)
	see("late\n", false)
	see("", false)
	see("new\n", true)
}
