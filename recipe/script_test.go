package recipe

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// preprocess behaves as mindformers' preprocessors do: it opens its output
// before it looks at its input, and refuses to write over what is there.
const preprocess = `
import argparse, os, sys
from beside import SUFFIX
parser = argparse.ArgumentParser()
parser.add_argument('--input', required=True)
parser.add_argument('--output', required=True)
args = parser.parse_args()
if os.path.exists(args.output):
    print('mindrecord files already exist')
    sys.exit(1)
open(args.output, 'w').close()
open(args.output + '.db', 'w').close()
with open(args.input) as source, open(args.output, 'w') as out:
    out.write(source.read() + SUFFIX)
`

func TestAScriptRunsWithItsArguments(t *testing.T) {
	h := newHost(t)
	write := func(name, text string) string {
		path := filepath.Join(h.dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return path
	}
	script := write("preprocess.py", preprocess)
	write("beside.py", "SUFFIX = '!'\n")
	input, output := filepath.Join(h.dir, "input"), filepath.Join(h.dir, "x.mindrecord")
	r, err := Parse("script.yaml", []byte(`
apiVersion: ftd/v1
name: script
vars: {script: , input: , output: , creates: }
steps:
  - {id: run, uses: script, with: {file: "${script}", args: [--input, "${input}", --output, "${output}"], creates: ["${creates}"]}}
`))
	require.NoError(t, err)
	vars := map[string]string{"script": script, "input": input, "output": output, "creates": output}

	p := h.fails(job(h, r, vars))
	require.Equal(t, CodePython, p.Code)
	require.Contains(t, p.Message, "FileNotFoundError")
	require.NoFileExists(t, output, "what blocks the next try is removed")
	require.NoFileExists(t, output+".db")

	write("input", "text")
	write("x.mindrecord", "")
	h.run(job(h, r, vars))
	require.Equal(t, "text!", read(t, output))
	require.Equal(t, h.attempt("run").Dir, h.steps["run"].Outputs["dir"])

	p = h.fails(job(h, r, vars))
	require.Contains(t, p.Message, "preprocess.py ended with status 1")
	require.Contains(t, p.Excerpt, "mindrecord files already exist")
	require.Equal(t, "text!", read(t, output), "what is not empty stays")

	require.NoError(t, os.Remove(output))
	vars["creates"] = filepath.Join(h.dir, "another")
	p = h.fails(job(h, r, vars))
	require.Equal(t, CodeResult, p.Code)
	require.Contains(t, p.Message, "another is not there")

	vars["script"] = filepath.Join(h.dir, "nowhere.py")
	require.Contains(t, h.fails(job(h, r, vars)).Message, "there is no script")
}
