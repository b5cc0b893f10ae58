package recipe

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/launcher/watchdog"
)

const docs = "../docs/recipes.md"

// The table of kinds in the documentation is the one in the code.
func TestTheDocumentationNamesEveryKind(t *testing.T) {
	var table strings.Builder
	for _, name := range Kinds() {
		kind := kinds()[name]
		var params []string
		for _, p := range kind.Params() {
			text := "`" + p.Name + "`"
			if p.Required {
				text = "**" + text + "**"
			}
			require.NotEmpty(t, p.Doc, "%s.%s", name, p.Name)
			params = append(params, text+": "+p.Doc)
		}
		outputs := "`" + strings.Join(kind.Outputs(), "`, `") + "`"
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", name, strings.Join(params, "<br>"), outputs)
	}
	text, err := os.ReadFile(docs)
	require.NoError(t, err)
	if *update {
		const header = "| kind | parameters | outputs |\n|---|---|---|\n"
		before, rest, ok := strings.Cut(string(text), header)
		require.True(t, ok)
		_, after, ok := strings.Cut(rest, "\n\n")
		require.True(t, ok)
		text = []byte(before + header + table.String() + "\n" + after)
		require.NoError(t, os.WriteFile(docs, text, 0o644))
	}
	require.True(t, strings.Contains(string(text), table.String()), "the table of kinds must be:\n%s", table.String())
}

// The recipe in the documentation is one.
func TestTheDocumentedRecipeIsValid(t *testing.T) {
	text, err := os.ReadFile(docs)
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(text), "```yaml\n")
	require.True(t, ok)
	source, _, _ := strings.Cut(rest, "```")
	_, err = Parse("recipes.md", []byte(source))
	require.NoError(t, err)
}

// So is the table of watchdogs.
func TestTheDocumentationNamesEveryWatchdog(t *testing.T) {
	text, err := os.ReadFile(docs)
	require.NoError(t, err)
	for name, s := range watchdog.Defaults() {
		var settings []string
		for _, d := range []struct {
			name string
			is   time.Duration
		}{{"idle", s.Idle}, {"limit", s.Limit}, {"pause", s.Pause}} {
			if d.is != 0 {
				short := strings.TrimSuffix(strings.TrimSuffix(d.is.String(), "0s"), "0m")
				if d.is < time.Hour {
					short = fmt.Sprintf("%dm", int(d.is.Minutes()))
				}
				settings = append(settings, "`"+d.name+": "+short+"`")
			}
		}
		for _, n := range []struct {
			name string
			is   int
		}{{"steps", s.Steps}, {"of", s.Of}, {"warmup", s.Warmup}, {"factor", int(s.Factor)}} {
			if n.is != 0 {
				settings = append(settings, fmt.Sprintf("`%s: %d`", n.name, n.is))
			}
		}
		row := fmt.Sprintf("(?m)^\\| `%s` \\| .* \\| %s ?\\|$", name, regexp.QuoteMeta(strings.Join(settings, ", ")))
		require.Regexp(t, row, string(text))
		require.Equal(t, watchdog.Notify, s.Action)
	}
}
