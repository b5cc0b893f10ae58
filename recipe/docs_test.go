package recipe

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
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
