package cmd_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The README is there in English and in Chinese: the same sections, the same
// tables, and the same commands to the letter.
func TestBothReadmesSayTheSame(t *testing.T) {
	english, chinese := outline(t, "../README.md"), outline(t, "../README.zh.md")
	require.NotEmpty(t, english)
	require.Equal(t, english, chinese)
}

// outline is what of a page does not depend on its language: the level of each
// heading, the number of rows of each table, and what stands in code blocks.
func outline(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var out []string
	code := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		level := len(line) - len(strings.TrimLeft(line, "#"))
		switch {
		case strings.HasPrefix(line, "```"):
			code = !code
			out = append(out, line)
		case code:
			out = append(out, line)
		case level > 0:
			out = append(out, strings.Repeat("#", level))
		case strings.HasPrefix(line, "|"):
			out = append(out, "|")
		}
	}
	return out
}
