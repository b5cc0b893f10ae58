package recipe

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
	got, err := editYAML([]byte(before), map[string]any{
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

func TestAnAliasLeadsToItsAnchor(t *testing.T) {
	got, err := editYAML([]byte(before), map[string]any{"task.config.dir": "x"})
	require.NoError(t, err)
	require.Equal(t, strings.Replace(before, "dir: ''", "dir: 'x'", 1), string(got))

	// The same place by two ways is one change, or a contradiction.
	_, err = editYAML([]byte(before), map[string]any{"task.config.dir": "x", "train.dir": "x"})
	require.NoError(t, err)
	_, err = editYAML([]byte(before), map[string]any{"task.config.dir": "x", "train.dir": "y"})
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
		_, err := editYAML([]byte(before), map[string]any{path: "v"})
		require.ErrorContains(t, err, want, path)
	}
}

func TestNumbersThatPyYAMLReads(t *testing.T) {
	for f, want := range map[float64]string{1: "1.0", 0.01: "0.01", 1e-7: "1.0e-07", 1.5e-7: "1.5e-07", 1e30: "1.0e+30", -2: "-2.0"} {
		require.Equal(t, want, floatText(f))
	}
}
