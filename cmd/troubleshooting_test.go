package cmd_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/launcher/watchdog"
	"ftd/logparse"
	"ftd/recipe"
	"ftd/recipe/doctor"
)

func page(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile("../docs/" + path)
	require.NoError(t, err)
	return string(text)
}

// Each error that a log can show has its row, in both languages, with what is
// said of it elsewhere; the last column names checks and watchdogs that exist.
func TestEachErrorOfALogHasItsRow(t *testing.T) {
	known := slices.Concat(doctor.IDs(), watchdogs())
	for file, locale := range map[string]string{"troubleshooting.md": "en", "troubleshooting.zh.md": "zh"} {
		var rows []string
		for line := range strings.Lines(page(t, file)) {
			if strings.HasPrefix(line, "| `") || strings.HasPrefix(line, "| –") {
				rows = append(rows, strings.TrimSpace(line))
			}
		}
		all := logparse.Signatures().All()
		require.Len(t, rows, len(all), file)
		for i, s := range all {
			cause, remedy := s.Text(locale)
			row := strings.ReplaceAll(" | `"+s.ID+"` | "+cause+" | "+remedy+" | ", "\n", " ")
			require.Contains(t, rows[i], row, "%s, in the order of the table of signatures", file)
			words, by, _ := strings.Cut(rows[i], row)
			for _, literal := range s.Literals {
				literal = strings.TrimSpace(strings.ReplaceAll(strings.ReplaceAll(literal, "`", "'"), "|", `\|`))
				require.Contains(t, words, "`"+literal+"`", s.ID)
			}
			for _, name := range quotes(by) {
				require.Contains(t, known, name, s.ID)
			}
		}
	}
}

func watchdogs() (names []string) {
	for name := range watchdog.Defaults() {
		names = append(names, string(name))
	}
	return names
}

// quotes is what stands in code spans.
func quotes(text string) (names []string) {
	for i, part := range strings.Split(text, "`") {
		if i%2 == 1 {
			names = append(names, part)
		}
	}
	return names
}

var (
	saysIt = regexp.MustCompile("(?m)^Says it: `([a-z_, ;-]+)`")
	option = regexp.MustCompile(`--check ([a-z-]+)`)
	// named is a kind of thing, in one of two languages, and some of its names.
	named = regexp.MustCompile("(checks?|检查项|steps?|步骤|watchdogs?|看门狗) ((?:`[a-z_-]+`(?:, | and |、| 与 )?)+)")
)

// What these pages call a check is one, and so for steps and watchdogs; and each
// check is in the table of the guide, and in that of ftctl.
func TestPagesNameWhatThereIs(t *testing.T) {
	known := map[string][]string{
		"check": doctor.IDs(), "检查项": doctor.IDs(), "step": recipe.Kinds(), "步骤": recipe.Kinds(),
		"watchdog": watchdogs(), "看门狗": watchdogs(),
	}
	seen := map[string]bool{}
	for _, file := range []string{"guide.md", "guide.zh.md", "troubleshooting.md", "troubleshooting.zh.md"} {
		text := page(t, file)
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			thing := strings.TrimSuffix(m[1], "s")
			for _, name := range quotes(m[2]) {
				require.Contains(t, known[thing], name, "%s calls it a %s", file, thing)
				seen[thing+" "+name] = true
			}
		}
		for _, m := range option.FindAllStringSubmatch(text, -1) {
			require.Contains(t, doctor.IDs(), m[1], file)
		}
		for _, m := range saysIt.FindAllStringSubmatch(text, -1) {
			for _, name := range strings.FieldsFunc(m[1], func(r rune) bool { return strings.ContainsRune(",; ", r) }) {
				require.Contains(t, slices.Concat(known["check"], known["step"], known["watchdog"]), name, file)
			}
		}
	}
	_, table, ok := strings.Cut(page(t, "ftctl.md"), "| check | looks at |")
	require.True(t, ok)
	table, _, _ = strings.Cut(table, "\n\n")
	var rows []string
	for _, row := range strings.Split(table, "\n")[2:] {
		rows = append(rows, quotes(row)[0])
	}
	require.ElementsMatch(t, doctor.IDs(), rows)
	for _, id := range doctor.IDs() {
		require.True(t, seen["check "+id], "the guide does not name the check %s", id)
	}
}
