//go:build python

package pybridge_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/pybridge"
)

// The two places where a call can run. What is promised of one is promised of
// the other, so tests of behaviour run in both.
type place struct {
	name     string
	isolated bool
	call     func(context.Context, pybridge.Request) (json.RawMessage, error)
	script   func(context.Context, pybridge.Script) (int, error)
}

func places() []place {
	return []place{
		{"here", false, python.Call, python.RunScript},
		{"worker", true, python.Worker, python.WorkerScript},
	}
}

func inBothPlaces(t *testing.T, test func(t *testing.T, p place)) {
	for _, p := range places() {
		t.Run(p.name, func(t *testing.T) {
			if p.isolated {
				needWorkers(t)
			}
			test(t, p)
		})
	}
}

func TestResultIsTheSameEverywhere(t *testing.T) {
	inBothPlaces(t, func(t *testing.T, p place) {
		r := module(t, "import pathlib\ndef f(x):\n    return [x, float('nan'), -float('inf'), {'t': (1, 2)}, pathlib.Path('a'), 'b'.encode(), {float('nan'): 1}]\n")
		r.Args = json.RawMessage(`{"x": "龙\u0000\ud83d\ude00"}`)
		text, err := p.call(t.Context(), r)
		require.NoError(t, err)
		require.JSONEq(t, `["龙\u0000😀", "NaN", "-Infinity", {"t": [1, 2]}, "a", "b", {"NaN": 1}]`, string(text))
	})
}

func TestExceptionArrivesWhole(t *testing.T) {
	inBothPlaces(t, func(t *testing.T, p place) {
		r := module(t, `
class Broken(Exception):
    pass

def g(n):
    raise KeyError(n)

def f(n):
    try:
        g(n)
    except KeyError as cause:
        error = Broken("no row " + str(n))
        error.__notes__ = ["in train.json"]
        raise error from cause
`)
		r.Args = json.RawMessage(`[7]`)
		_, err := p.call(t.Context(), r)
		var e *pybridge.PyError
		require.ErrorAs(t, err, &e)
		require.Equal(t, r.Module+".Broken", e.Type)
		require.Equal(t, "no row 7", e.Message)
		require.Equal(t, []string{"in train.json"}, e.Notes)
		require.Equal(t, "KeyError", e.Cause.Type)
		require.Contains(t, e.Traceback, "in g\n    raise KeyError(n)")
		require.Contains(t, e.Traceback, "direct cause")
		require.NotContains(t, e.Traceback, "_bridge.py")
	})
}

func TestBadRequestsAreClearErrors(t *testing.T) {
	for _, test := range []struct {
		name, source, function, args string
		kind, message                string
	}{
		{"no module", "", "-", "", "ModuleNotFoundError", "No module named 'nosuch'"},
		{"no function", "", "nosuch", "", "AttributeError", "nosuch"},
		{"not JSON", "def f(x): pass", "f", `[1,`, "ValueError", "the arguments are not JSON"},
		{"neither array nor object", "def f(x): pass", "f", `1`, "TypeError", "array or object"},
		{"wrong arguments", "def f(x): pass", "f", `[1, 2]`, "TypeError", "positional argument"},
		{"result not JSON", "def f(): return {'a': [1, object()]}", "f", "", "TypeError", "result['a'][1] is of type object"},
		{"bytes", "def f(): return {'a': b'\\xff'}", "f", "", "TypeError", "result['a'] is bytes that are no text"},
		{"a class", "class A:\n    def tolist(self): pass\ndef f(): return [A]", "f", "", "TypeError", "result[0] is of type type"},
		{"key not JSON", "def f(): return {(1, 2): 3}", "f", "", "TypeError", "result has a key of type tuple"},
		{"result in itself", "def f():\n    a = []\n    a.append(a)\n    return a", "f", "", "ValueError", "result[0] contains itself"},
		{"recursion", "def f(): return f()", "f", "", "RecursionError", "maximum recursion depth"},
		{"arguments too deep", "def f(x): pass", "f", strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000), "RecursionError", "maximum recursion depth"},
		{"result too deep", "def f():\n    a = []\n    for _ in range(100000): a = [a]\n    return {'deep': a}", "f", "", "ValueError", "result['deep'][0][0]"},
		{"interrupted", "def f(): raise KeyboardInterrupt('no')", "f", "", "KeyboardInterrupt", "no"},
		{"cyclic cause", "def f():\n    a, b = ValueError('a'), ValueError('b')\n    a.__cause__, b.__cause__ = b, a\n    raise a", "f", "", "ValueError", "a"},
		{"unprintable", "class E(Exception):\n    def __str__(self): raise ValueError\ndef f(): raise E", "f", "", "E", "its text cannot be had"},
		{"syntax", "def f(:", "f", "", "SyntaxError", "invalid syntax"},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBothPlaces(t, func(t *testing.T, p place) {
				r := module(t, test.source)
				r.Function = test.function
				if test.function == "-" {
					r.Module = "nosuch"
				}
				r.Args = json.RawMessage(test.args)
				_, err := p.call(t.Context(), r)
				var e *pybridge.PyError
				require.ErrorAs(t, err, &e)
				require.True(t, strings.HasSuffix(e.Type, test.kind), e.Type)
				require.Contains(t, e.Message, test.message)
				require.NotContains(t, e.Traceback, "_encode.py", "how the bridge works is nobody's business")
			})
		})
	}
	require.Equal(t, 1.0, result[float64](t, module(t, "def f(): return 1")), "the next call")
}

func TestNumberTooLongToBeWritten(t *testing.T) {
	if !result[bool](t, module(t, "import sys\ndef f(): return hasattr(sys, 'get_int_max_str_digits')")) {
		t.Skip("this Python writes numbers of any length")
	}
	inBothPlaces(t, func(t *testing.T, p place) {
		_, err := p.call(t.Context(), module(t, "def f(): return {'a': [{}, 1 << 99999]}"))
		require.ErrorContains(t, err, "result['a'][1] is a number of 100000 bits")
	})
}

func TestScriptRunsAsMain(t *testing.T) {
	inBothPlaces(t, func(t *testing.T, p place) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "beside.py"), []byte("WORD = 'beside'\n"), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "s.py"), []byte(`
import argparse, sys, beside
parser = argparse.ArgumentParser()
parser.add_argument("--code", type=int)
if __name__ == "__main__":
    args = parser.parse_args()
    open("out", "w").write(beside.WORD)
    sys.exit(args.code)
`), 0o600))
		s := pybridge.Script{File: "s.py", Argv: []string{"--code", "3"}, Surroundings: pybridge.Surroundings{Dir: dir}}
		code, err := p.script(t.Context(), s)
		require.NoError(t, err)
		require.Equal(t, 3, code)
		out, err := os.ReadFile(filepath.Join(dir, "out"))
		require.NoError(t, err)
		require.Equal(t, "beside", string(out))

		s.Argv = []string{"--nosuch"}
		code, err = p.script(t.Context(), s)
		require.NoError(t, err)
		require.Equal(t, 2, code, "argparse's own")
	})
}

func TestSystemExitOfAFunctionIsAnError(t *testing.T) {
	inBothPlaces(t, func(t *testing.T, p place) {
		_, err := p.call(t.Context(), module(t, "import sys\ndef f(): sys.exit('no data')"))
		var e *pybridge.ExitError
		require.ErrorAs(t, err, &e)
		require.Equal(t, pybridge.ExitError{Code: 1, Message: "no data"}, *e)
	})
}

func TestThreadsAndStandardInput(t *testing.T) {
	inBothPlaces(t, func(t *testing.T, p place) {
		text, err := p.call(t.Context(), module(t, `
import sys, threading
def f():
    threads = [threading.Thread(target=sys.exit, args=(n,)) for n in range(4)]
    for t in threads: t.start()
    for t in threads: t.join()
    try:
        input()
    except EOFError:
        return sys.stdin.read()
`))
		require.NoError(t, err)
		require.Equal(t, `""`, string(text))
	})
}

func TestCheckNamesTheMissingModule(t *testing.T) {
	require.NoError(t, python.Check(t.Context(), []string{"json", "concurrent.futures.thread"}))
	require.ErrorContains(t, python.Check(t.Context(), []string{"json", "nosuch"}), "No module named 'nosuch'")
}
