package yamledit

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const before = `# a comment: with colons
seed: 0 # the seed
run: {epochs: 1, sink: True}
train: &train
  dir: ''   # where
  rate: 1.e-5
  name: "a \"b\""
  empty:
  nothing: ~
task:
  config: *train
callbacks:
  - type: 损失  # 中文
  - {type: Save, steps: 20}
last: text`

func TestOnlyWhatIsSetChanges(t *testing.T) {
	got, err := Edit([]byte(before), map[string]any{
		"seed":              "7",
		"run.epochs":        int64(3),
		"run.sink":          false,
		"train.dir":         "/it's/here",
		"train.rate":        "1e-2",
		"train.name":        `x"y`,
		"train.empty":       "set: now",
		"train.nothing":     "5",
		"callbacks.0.type":  "yes",
		"callbacks.1.steps": "40",
		"last":              "0.5",
	})
	require.NoError(t, err)
	want := strings.NewReplacer(
		"seed: 0 #", "seed: 7 #",
		"epochs: 1", "epochs: 3",
		"sink: True", "sink: False",
		"dir: ''", "dir: '/it''s/here'",
		"rate: 1.e-5", "rate: 0.01",
		`name: "a \"b\""`, `name: "x\"y"`,
		"empty:", `empty: "set: now"`,
		"nothing: ~", "nothing: 5",
		"type: 损失", `type: "yes"`,
		"steps: 20", "steps: 40",
		"last: text", `last: "0.5"`,
	).Replace(before)
	require.Equal(t, want, string(got))
}

func TestAListInBracketsIsReplacedWhole(t *testing.T) {
	const text = "中: {a: [1, \"b]\"], c: 2} # [x]\nlines:\n  - 1\n"
	for _, value := range []any{"[x y, 3, True, 0.5]", []any{"x y", int64(3), true, 0.5}} {
		got, err := Edit([]byte(text), map[string]any{"中.a": value, "中.c": "7"})
		require.NoError(t, err)
		require.Equal(t, "中: {a: [\"x y\", 3, True, 0.5], c: 7} # [x]\nlines:\n  - 1\n", string(got))
	}
	for path, want := range map[string]string{"中.a": "must be a list such as [a, b]", "lines": "is a list of lines"} {
		_, err := Edit([]byte(text), map[string]any{path: "x"})
		require.ErrorContains(t, err, want)
	}
	_, err := Edit([]byte(text), map[string]any{"中.a": "[[1], 2]"})
	require.ErrorContains(t, err, "entry 1")
}

// Some configs of mindformers 0.8 come with lines that end as on Windows.
func TestLineEndsAreKept(t *testing.T) {
	dos := strings.ReplaceAll(before, "\n", "\r\n")
	got, err := Edit([]byte(dos), map[string]any{"callbacks.1.steps": "40", "train.empty": "x", "last": "y"})
	require.NoError(t, err)
	want := strings.NewReplacer("steps: 20", "steps: 40", "empty:", "empty: x", "last: text", "last: y").Replace(dos)
	require.Equal(t, want, string(got))
}

func TestAnAliasLeadsToItsAnchor(t *testing.T) {
	got, err := Edit([]byte(before), map[string]any{"task.config.dir": "x"})
	require.NoError(t, err)
	require.Equal(t, strings.Replace(before, "dir: ''", "dir: 'x'", 1), string(got))

	// The same place by two ways is one change, or a contradiction.
	_, err = Edit([]byte(before), map[string]any{"task.config.dir": "x", "train.dir": "x"})
	require.NoError(t, err)
	_, err = Edit([]byte(before), map[string]any{"task.config.dir": "x", "train.dir": "y"})
	require.ErrorContains(t, err, "both")
}

func TestWhatCannotBeSet(t *testing.T) {
	for path, want := range map[string]string{
		"sed":               `the file has no "sed" (did you mean "seed"?)`,
		"train.dri":         `train has no "dri" (did you mean "dir"?)`,
		"callbacks.2.steps": `callbacks has no "2"`,
		"train":             "is no single value",
		"seed":              `must be an integer, not "v"`,
		"train.rate":        `must be a number, not "v"`,
		"run.sink":          `must be true or false, not "v"`,
		"seed.x":            `seed has no "x"`,
	} {
		_, err := Edit([]byte(before), map[string]any{path: "v"})
		require.ErrorContains(t, err, want, path)
	}
}

func TestNumbersThatPyYAMLReads(t *testing.T) {
	for f, want := range map[float64]string{1: "1.0", 0.01: "0.01", 1e-7: "1.0e-07", 1.5e-7: "1.5e-07", 1e30: "1.0e+30", -2: "-2.0"} {
		require.Equal(t, want, floatText(f))
	}
}
