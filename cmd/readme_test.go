package cmd_test

import (
	"os"
	"slices"
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

// So are the pages that a person reads who is in trouble: there each row, and
// each line, also names the same checks, steps and commands.
func TestPagesInBothLanguagesSayTheSame(t *testing.T) {
	for _, page := range []string{"guide", "troubleshooting"} {
		english, chinese := "../docs/"+page+".md", "../docs/"+page+".zh.md"
		require.Equal(t, outline(t, english), outline(t, chinese), page)
		names := codeSpans(t, english)
		require.Greater(t, len(names), 20)
		require.Equal(t, names, codeSpans(t, chinese), page)
	}
}

// codeSpans is what a page has in code spans, by its lines.
func codeSpans(t *testing.T, path string) [][]string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var all [][]string
	for line := range strings.Lines(string(text)) {
		var names []string
		for i, part := range strings.Split(line, "`") {
			if i%2 == 1 {
				names = append(names, part)
			}
		}
		if len(names) > 0 {
			slices.Sort(names) // languages order words differently
			all = append(all, names)
		}
	}
	return all
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
