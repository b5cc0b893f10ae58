package recipe

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const rows = `[{"instruction": "Add.", "input": "1 and 1", "output": "Two."}, {"instruction": "Greet.", "input": "", "output": "Hello."}]`

// twoSteps is a recipe whose Python steps need nothing but Python.
func twoSteps(t *testing.T) *Recipe {
	t.Helper()
	r, err := Parse("two.yaml", []byte(`
apiVersion: ftd/v1
name: two
vars: {data: builtin:data/alpaca-tiny.json}
steps:
  - {id: data, uses: data, with: {source: "${data}"}}
  - {id: conversations, uses: conversations, with: {data: "${steps.data.outputs.file}"}}
`))
	require.NoError(t, err)
	return r
}

func job(h *memoryHost, r *Recipe, vars map[string]string) Job {
	return Job{ID: "job", Dir: h.dir, Base: h.dir, Recipe: r, Vars: vars}
}

// run carries out a job that must succeed, and returns what happened.
func (h *memoryHost) run(j Job) []string {
	h.t.Helper()
	h.history = nil
	require.NoError(h.t, Run(context.Background(), j, h, h.settings()))
	return h.history
}

func TestWhatIsThereIsNotMadeAgain(t *testing.T) {
	h := newHost(t)
	path := filepath.Join(h.dir, "mine.json")
	require.NoError(t, os.WriteFile(path, []byte(rows), 0o644))
	j := job(h, twoSteps(t), map[string]string{"data": "mine.json"}) // relative to Base
	all := []string{"data running", "data succeeded", "conversations running", "conversations succeeded"}
	skipped := []string{"data skipped", "conversations skipped"}

	require.Equal(t, all, h.run(j))
	require.Equal(t, "2", h.steps["conversations"].Outputs["rows"])
	require.Equal(t, []string{"2 conversations from " + path}, h.output)
	require.FileExists(t, filepath.Join(h.attempt("conversations").Dir, StepLog))
	require.Equal(t, StepSucceeded, h.attempt("conversations").state)
	require.Equal(t, skipped, h.run(j))

	// Damage is found, by size and by time, and mended.
	file := h.steps["conversations"].Outputs["file"]
	require.NoError(t, os.WriteFile(file, []byte("damaged"), 0o644))
	require.Equal(t, []string{"data skipped", "conversations running", "conversations succeeded"}, h.run(j))
	require.Contains(t, h.output[1], "was changed")
	require.NoError(t, os.Remove(file))
	require.Equal(t, "conversations running", h.run(j)[1])
	require.Equal(t, skipped, h.run(j))

	// Other data, other results; the first data's are still there.
	require.NoError(t, os.WriteFile(path, []byte(`[{"instruction": "a", "output": "b"}]`), 0o644))
	require.Equal(t, all, h.run(j))
	require.Equal(t, "1", h.steps["conversations"].Outputs["rows"])
	require.NoError(t, os.WriteFile(path, []byte(rows), 0o644))
	require.Equal(t, skipped, h.run(j))

	j.Force = true
	require.Equal(t, all, h.run(j))
}

func TestTheSameDataElsewhereIsOtherData(t *testing.T) {
	h := newHost(t)
	for _, name := range []string{"a.json", "b.json"} {
		require.NoError(t, os.WriteFile(filepath.Join(h.dir, name), []byte(rows), 0o644))
		h.run(job(h, twoSteps(t), map[string]string{"data": name}))
		require.Equal(t, filepath.Join(h.dir, name), h.steps["data"].Outputs["file"])
	}
}

func TestAJobGoesOnWhereItWas(t *testing.T) {
	h := newHost(t)
	j := job(h, twoSteps(t), nil)
	h.run(j)
	j.Done = map[string]StepStatus{"data": h.steps["data"]}
	require.Equal(t, []string{"conversations skipped"}, h.run(j))
}

func TestDataThatIsWrongIsSaidWithItsRow(t *testing.T) {
	for name, c := range map[string]struct{ data, want string }{
		"not JSON":   {`[{"instruction": "a", "output": "b"}, {"instruction" "x"}]`, `not JSON: line 1, column 54: Expecting ':' delimiter (in row 2)`},
		"lacks":      {`[{"instruction": "a", "output": "b"}, {"instruction": "a"}]`, `row 2 of `},
		"no list":    {`{"instruction": "a"}`, "holds no list of rows but an object"},
		"empty":      {`[]`, "holds no rows"},
		"not a text": {`[{"instruction": "a", "output": 3}]`, `the field "output" in row 1 of `},
		"not UTF-8":  {"[\"\xff\"]", "is not UTF-8 text (byte 2)"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			path := filepath.Join(h.dir, "data.json")
			require.NoError(t, os.WriteFile(path, []byte(c.data), 0o644))
			err := Run(context.Background(), job(h, twoSteps(t), map[string]string{"data": path}), h, h.settings())
			var p *Problem
			require.ErrorAs(t, err, &p)
			require.Equal(t, CodeData, p.Code)
			require.Contains(t, p.Message, c.want)
			require.Contains(t, p.Message, path)
			require.NotContains(t, p.Message, "\n")
			require.NotEmpty(t, p.Remedy)
			require.Equal(t, StepFailed, h.steps["conversations"].State)
			require.Equal(t, p, h.steps["conversations"].Problem)
			require.Equal(t, p, h.attempt("conversations").problem)
			require.Len(t, h.results, 1, "only the data step's result is kept")
			left, err := filepath.Glob(filepath.Join(h.dir, "results", "*.new"))
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

func TestMissingDataIsAProblemOfItsStep(t *testing.T) {
	h := newHost(t)
	err := Run(context.Background(), job(h, twoSteps(t), map[string]string{"data": "none.json"}), h, h.settings())
	var p *Problem
	require.ErrorAs(t, err, &p)
	require.Equal(t, CodeData, p.Code)
	require.Contains(t, p.Message, filepath.Join(h.dir, "none.json"))
	require.Equal(t, []string{"data failed"}, h.history)

	err = Run(context.Background(), job(h, twoSteps(t), map[string]string{"data": "builtin:data/alpaka.json"}), h, h.settings())
	require.ErrorContains(t, err, `did you mean "data/alpaca-tiny.json"?`)
}

func TestAVariableOfTheWrongType(t *testing.T) {
	h := newHost(t)
	r, err := Load("tiny-llama")
	require.NoError(t, err)
	j := job(h, r, map[string]string{"vocab_size": "many"})
	j.Done = map[string]StepStatus{
		"data":          {ID: "data", Outputs: map[string]string{"file": "x"}},
		"conversations": {ID: "conversations", Outputs: map[string]string{"file": "x"}},
	}
	err = Run(context.Background(), j, h, h.settings())
	require.EqualError(t, err, `the step tokenizer: the parameter "vocab_size" must be an integer, not "many"; correct it, or the variable it comes from`)
	require.Equal(t, StepFailed, h.steps["tokenizer"].State)
}

func TestTheEndOfTheContextIsTold(t *testing.T) {
	for cause, want := range map[error]StepState{ErrStop: StepStopped, ErrShutdown: StepRunning} {
		h := newHost(t)
		ctx, cancel := context.WithCancelCause(context.Background())
		python := &endingPython{Python: h.Python(), end: func() { cancel(cause) }}
		err := Run(ctx, job(h, twoSteps(t), nil), &endingHost{h, python}, h.settings())
		require.ErrorIs(t, err, cause)
		require.Equal(t, want, h.steps["conversations"].State)
		if want == StepRunning {
			require.Empty(t, h.attempt("conversations").state, "it is taken up again by the next program")
			require.NoError(t, Run(context.Background(), job(h, twoSteps(t), nil), h, h.settings()))
			require.Equal(t, 1, h.attempt("conversations").Number)
		}
	}
}

// endingHost ends the context in the middle of a Python call.
type endingHost struct {
	*memoryHost
	python Python
}

func (h *endingHost) Python() Python { return h.python }

type endingPython struct {
	Python
	end func()
}

func (p *endingPython) Call(ctx context.Context, c PythonCall) (json.RawMessage, error) {
	p.end()
	return nil, ctx.Err()
}

// mine is a module of a user's own, with errors as MindSpore 2.7.0 words them.
const mine = `
def f(word, times):
    print('at work')
    return word * times

def g():
    raise KeyError('lost')

def full():
    raise RuntimeError('write failed: [Errno 28] No space left on device')

def boxed(said):
    line = '-' * 66
    raise RuntimeError(
        "Exception thrown from dataset pipeline. Refer to 'Dataset Pipeline Error Message'. \n\n"
        + line + '\n- Dataset Pipeline Error Message: \n' + line + '\n[ERROR] ' + said + '\n\n'
        + line + '\n- C++ Call Stack: (For framework developers) \n' + line + '\nshard_writer.cc(586).\n'
    )
`

func TestAPythonFunctionAsAStep(t *testing.T) {
	h := newHost(t)
	require.NoError(t, os.WriteFile(filepath.Join(h.dir, "mine.py"), []byte(mine), 0o644))
	recipe := func(function, args string) *Recipe {
		r, err := Parse("x.yaml", []byte("apiVersion: ftd/v1\nname: x\nsteps:\n- {id: f, uses: python, with: {module: mine, path: ['${job.dir}'], function: "+function+", args: "+args+"}}\n"))
		require.NoError(t, err)
		return r
	}
	h.run(job(h, recipe("f", "{word: ab, times: 2}"), nil))
	require.Equal(t, "abab", h.steps["f"].Outputs["result"])
	require.Equal(t, []string{"at work"}, h.output)
	require.Equal(t, []string{"f running", "f succeeded"}, h.run(job(h, recipe("f", "{word: 3, times: 2}"), nil)), "it always runs")
	require.Equal(t, "6", h.steps["f"].Outputs["result"])

	p := h.fails(job(h, recipe("g", "{}"), nil))
	require.Equal(t, CodePython, p.Code)
	require.Equal(t, "the step f raised KeyError: 'lost'", p.Message)
	require.Contains(t, p.Excerpt[len(p.Excerpt)-2], "raise KeyError('lost')")
	require.Equal(t, CodeDiskFull, h.fails(job(h, recipe("full", "{}"), nil)).Code)

	// What MindSpore says in a box below a message without content.
	const noRoom = "No free disk to be used while writing mindrecord files, available free disk size: 3"
	require.Equal(t, CodeDiskFull, h.fails(job(h, recipe("boxed", "{said: '"+noRoom+"'}"), nil)).Code)
	p = h.fails(job(h, recipe("boxed", "{said: 'Invalid file, mindrecord files already exist. Please check file path: x'}"), nil))
	require.Equal(t, "mindrecord-exists", p.Code)
	require.Contains(t, p.Message, "mindrecord files already exist")
	p = h.fails(job(h, recipe("boxed", "{said: 'the moon is full'}"), nil))
	require.Equal(t, CodePython, p.Code)
	require.Contains(t, p.Message, "the moon is full")
}
