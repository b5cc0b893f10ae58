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
		"train":             "is not a single value",
		"seed":              `must be a number, not "v"`,
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

// What editors on Windows and yaml.dump leave behind: a byte-order mark, line
// ends of other systems, escapes, a directive.
func TestEveryOtherByteStays(t *testing.T) {
	for name, c := range map[string]struct{ before, path, value, after string }{
		"byte-order mark":  {"\ufeffseed: 0\nb: 'x'\n", "seed", "7", "\ufeffseed: 7\nb: 'x'\n"},
		"line ends of old": {"a: 1\rb: x\rc: 'y'\r", "c", "z", "a: 1\rb: x\rc: 'z'\r"},
		"escapes":          {`a: {x: "\u4e2d a", y: "e\\", z: 1} # c`, "a.x", "p", `a: {x: "p", y: "e\\", z: 1} # c`},
		"directive":        {"%YAML 1.1\n---\na: 1\n", "a", "2", "%YAML 1.1\n---\na: 2\n"},
		"blanks at ends":   {"a: False \nb:\n  c:   1 \n\nd: \n", "b.c", "2", "a: False \nb:\n  c:   2 \n\nd: \n"},
		"twice":            {"a: 1\nb: 2\na: 3\n", "a", "4", "a: 1\nb: 2\na: 4\n"},
		"points in names":  {"r:\n  .*\\.w_qkv\\.reshape: [1, 2]\n", `r..*\.w_qkv\.reshape.1`, "5", "r:\n  .*\\.w_qkv\\.reshape: [1, 5]\n"},
		"merge key":        {"b: &b {a: 1, s: x}\no:\n  <<: *b\n  s: y\n", "o.a", "2", "b: &b {a: 2, s: x}\no:\n  <<: *b\n  s: y\n"},
		"own before merge": {"b: &b {a: 1, s: x}\no:\n  <<: [*b]\n  s: y\n", "o.s", "z", "b: &b {a: 1, s: x}\no:\n  <<: [*b]\n  s: z\n"},
	} {
		got, err := Edit([]byte(c.before), map[string]any{c.path: c.value})
		require.NoError(t, err, name)
		require.Equal(t, c.after, string(got), name)
	}
	_, err := Edit([]byte("a: &x *x\n"), map[string]any{"a.b": "1"})
	require.Error(t, err)
	_, err = Edit([]byte("a: \"x\n  y\"\n"), map[string]any{"a": "1"})
	require.ErrorContains(t, err, "several lines")
}

// What PyYAML would read as something else than a text is put in quotes, and what
// it reads as a number or a truth is taken for one.
func TestScalarsAreThoseOfPyYAML(t *testing.T) {
	for value, want := range map[string]string{
		".5": `".5"`, ".inf": `".inf"`, ".NaN": `".NaN"`, "YES": `"YES"`, "OFF": `"OFF"`, "./x": "./x", "y": "y",
	} {
		got, err := Edit([]byte("a: text\n"), map[string]any{"a": value})
		require.NoError(t, err)
		require.Equal(t, "a: "+want+"\n", string(got))
	}
	for old, c := range map[string][2]string{
		"1": {"0.8", "0.8"}, "0": {"1e-6", "1.0e-06"}, "0x1F": {"3", "3"}, "1:30": {"90", "90"}, ".inf": {"2", "2.0"}, "NO": {"true", "True"},
		"08": {"9", `"9"`}, "": {"1:30", `"1:30"`}, "~": {".nan", `".nan"`},
	} {
		got, err := Edit([]byte("a: "+old+"\n"), map[string]any{"a": c[0]})
		require.NoError(t, err, old)
		require.Equal(t, "a: "+c[1], strings.TrimRight(strings.Replace(string(got), "a:  ", "a: ", 1), " \n"), old)
	}
}

func TestReadTakesWhatEditTakes(t *testing.T) {
	var got map[string]any
	require.NoError(t, Read([]byte("\ufeffa: 1\nb: x\na: 2\n"), &got))
	require.Equal(t, map[string]any{"a": uint64(2), "b": "x"}, got)

	deep := []byte("a: " + strings.Repeat("[", 20_000))
	require.ErrorContains(t, Read(deep, &got), "deep in each other")
	_, err := Edit(deep, nil)
	require.ErrorContains(t, err, "deep in each other")
	_, err = Edit([]byte("a: [1]"), map[string]any{"a": strings.Repeat("[", 20_000)})
	require.ErrorContains(t, err, "must be a list")
}
