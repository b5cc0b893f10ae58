package recipe

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each file holds a recipe and the error that it must give.
func TestWhatIsWrongIsSaidWithItsPlace(t *testing.T) {
	files, err := filepath.Glob("testdata/invalid/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			source, want, found := strings.Cut(string(text), "-- error --\n")
			require.True(t, found)
			_, err = Parse("recipe.yaml", []byte(source))
			var p *Problem
			require.ErrorAs(t, err, &p)
			require.Equal(t, strings.TrimSpace(want), p.Error())
			require.Equal(t, CodeInvalid, p.Code)
			require.Regexp(t, `^recipe\.yaml:[0-9]+$`, p.Source)
			require.NotEmpty(t, p.Remedy)
		})
	}
}

// Of several mistakes the same one is said each time.
func TestTheFirstMistakeIsSaid(t *testing.T) {
	for range 50 {
		_, err := Parse("recipe.yaml", []byte(`
apiVersion: ftd/v1
name: x
steps: [{id: a, uses: data, with: {source: x}, when: "${w}", unless: "${u}", environment: "${e}", keep: sometimes}]
`))
		require.ErrorContains(t, err, `there is no variable "w"`)
	}
}

func TestARecipeIsReadAsItIsWritten(t *testing.T) {
	r, err := Parse("recipe.yaml", []byte(`
apiVersion: ftd/v1
name: mine
description: 中文
vars:
  a: 0.10 # the text counts, not the number
  b: yes
  must:
env: {LANG: C, N: 4}
steps:
  - id: one
    uses: data
    with: {source: "${a}/$${b}"}
  - id: two
    uses: train
    with:
      command: [python, train.py, 7, 1.5, true]
      require_checkpoint: false
    env: {F: "${steps.one.outputs.file}"}
  - id: three
    uses: data
    needs: []
    with: {source: x}
`))
	require.NoError(t, err)
	require.Equal(t, "中文", r.Description)
	require.Equal(t, []Var{{Name: "a", Default: "0.10"}, {Name: "b", Default: "yes"}, {Name: "must", Required: true}}, r.Vars)
	require.Equal(t, map[string]string{"LANG": "C", "N": "4"}, r.Env)
	require.Equal(t, []any{"python", "train.py", int64(7), 1.5, true}, r.Steps[1].With["command"])
	require.Equal(t, []string{"one"}, r.Steps[1].Needs, "the one before, once")
	require.Empty(t, r.Steps[2].Needs, "an empty list means none")
}

func TestStepsComeAfterThoseTheyNeed(t *testing.T) {
	r, err := Parse("recipe.yaml", []byte(`
apiVersion: ftd/v1
name: x
steps:
  - {id: last, uses: data, needs: [middle], with: {source: x}}
  - {id: middle, uses: conversations, needs: [], with: {data: "${steps.first.outputs.file}"}}
  - {id: other, uses: data, needs: [], with: {source: x}}
  - {id: first, uses: data, needs: [], with: {source: x}}
`))
	require.NoError(t, err)
	var order []string
	for _, s := range r.Order() {
		order = append(order, s.ID)
	}
	require.Equal(t, []string{"first", "middle", "last", "other"}, order)
}

func TestVariables(t *testing.T) {
	r := &Recipe{Name: "x", Vars: []Var{{Name: "data", Default: "d"}, {Name: "seed", Required: true}}}
	values, err := r.Values(map[string]string{"seed": "3"})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"data": "d", "seed": "3"}, values)

	_, err = r.Values(map[string]string{"seed": "3", "dta": "x"})
	require.EqualError(t, err, `the recipe x has no variable "dta"; did you mean "data"?`)
	_, err = r.Values(nil)
	require.EqualError(t, err, `the recipe x needs a value for the variable "seed"; add --set seed=VALUE`)
}

func TestReferencesAndPlainText(t *testing.T) {
	value := func(name string) (string, error) { return "<" + name + ">", nil }
	for text, want := range map[string]string{
		"":                "",
		"a":               "a",
		"${a}":            "<a>",
		"x${a}y${ b }z":   "x<a>y<b>z",
		"$${a}":           "${a}",
		"$$${a}":          "$${a}",
		"$":               "$",
		"${a}$${b}${c}":   "<a>${b}<c>",
		escape("1${x}2$"): "1${x}2$",
	} {
		got, err := expand(text, value)
		require.NoError(t, err)
		require.Equal(t, want, got, text)
	}
}

func TestBuiltInRecipes(t *testing.T) {
	require.Contains(t, List(), "tiny-llama")
	for _, name := range List() {
		r, err := Load(name)
		require.NoError(t, err)
		require.Equal(t, name, r.Name)
		require.NotEmpty(t, r.Description)
	}
	_, err := Load("tiny-lama")
	var p *Problem
	require.ErrorAs(t, err, &p)
	require.Equal(t, CodeNotFound, p.Code)
	require.Equal(t, `did you mean "tiny-llama"?`, p.Remedy)
}

func TestACommandIsTakenAsItIs(t *testing.T) {
	r := ForCommand([]string{"sh", "-c", "echo ${HOME} $${x}"}, "/data/${odd}", "")
	require.Equal(t, "sh", r.Name)
	with, err := expandAll(r.Steps[0].With, func(string) (string, error) { return "changed", nil })
	require.NoError(t, err)
	m := with.(map[string]any)
	require.Equal(t, []any{"sh", "-c", "echo ${HOME} $${x}"}, m["command"])
	require.Equal(t, "/data/${odd}", m["dir"])
}
