//go:build python

package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// argparsed is a script as converters and preprocessors are.
const argparsed = `
import argparse, os, sys
import beside
parser = argparse.ArgumentParser()
parser.add_argument('--status', type=int, default=0)
parser.add_argument('--output', required=True)
args = parser.parse_args()
assert __name__ == '__main__'
with open(args.output, 'w') as out:
    out.write(' '.join([os.path.basename(sys.argv[0]), os.getcwd(), beside.NAME]))
print('written', flush=True)
sys.exit(args.status)
`

func TestAScriptIsRun(t *testing.T) {
	t.Parallel()
	h := pythonHouse(t)
	dir := t.TempDir()
	script := filepath.Join(dir, "convert.py")
	require.NoError(t, os.WriteFile(script, []byte(argparsed), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "beside.py"), []byte("NAME = 'beside'\n"), 0o644))
	run := func(isolation, args string) *api.Job {
		text := strings.NewReplacer("ISOLATION", isolation, "ARGS", args).Replace(`
apiVersion: ftd/v1
name: script
vars: {script: }
steps:
  - {id: it, uses: script, isolation: "ISOLATION", with: {file: "${script}", args: [ARGS], creates: [out]}}
`)
		job, err := h.Submit(t.Context(), api.Submit{Text: text, Vars: map[string]string{"script": script}})
		require.NoError(t, err)
		return h.wait(job.ID)
	}
	for _, isolation := range []string{"", "worker"} {
		job := run(isolation, "--output, out")
		require.Equal(t, api.StateSucceeded, job.State, "%+v", job.Error)
		where := job.Steps[0].Outputs["dir"]
		text, err := os.ReadFile(filepath.Join(where, "out"))
		require.NoError(t, err)
		require.Equal(t, "convert.py "+where+" beside", string(text))

		job = run(isolation, "--output, out, --status, '3'")
		require.Equal(t, api.StateFailed, job.State)
		require.Contains(t, job.Error.Message, "convert.py ended with status 3")

		job = run(isolation, "--no-such-argument")
		require.Contains(t, job.Error.Message, "ended with status 2")
		require.Contains(t, strings.Join(job.Error.Excerpt, "\n"), "--output")

		job = run(isolation, "--output, elsewhere")
		require.Contains(t, job.Error.Message, "out is not there")
	}
}
