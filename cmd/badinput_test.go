package cmd_test

import (
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the journal is one of its databases

	"ftd/api"
)

// oneSentence asserts that a person gets one sentence with its place and remedy, without a Go or
// Python stack, that has the words in it.
func oneSentence(t *testing.T, text string, words ...string) {
	t.Helper()
	text = strings.TrimSpace(text)
	require.NotEmpty(t, text)
	require.LessOrEqual(t, strings.Count(text, "\n"), 2, "more than a sentence, its place and its remedy:\n%s", text)
	for _, trace := range []string{"goroutine ", "panic:", "Traceback"} {
		require.NotContains(t, text, trace)
	}
	for _, word := range words {
		require.Contains(t, text, word)
	}
}

func TestFrontDoorSaysWhatIsWrong(t *testing.T) {
	h := newHouse(t)

	missing := h.run(bin(t, "ftd"), []string{"FTD_ENV=" + filepath.Join(h.dir, "nowhere")})
	require.Equal(t, 1, missing.code)
	oneSentence(t, missing.stderr, filepath.Join(h.dir, "nowhere"))

	empty := filepath.Join(h.dir, "empty")
	require.NoError(t, os.Mkdir(empty, 0o755))
	noPython := h.run(bin(t, "ftd"), []string{"FTD_ENV=" + empty})
	require.Equal(t, 1, noPython.code)
	oneSentence(t, noPython.stderr, empty)

	// A state directory of a newer ftd is refused and left as it is.
	h.start()
	h.terminate()
	db, err := sql.Open("sqlite", filepath.Join(h.state(), "journal.db"))
	require.NoError(t, err)
	_, err = db.Exec("PRAGMA user_version = 9999")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	refused := h.run(bin(t, "ftd"), nil)
	require.Equal(t, 1, refused.code)
	oneSentence(t, refused.stderr, "9999", h.state())
}

func TestASecondDaemonIsRefused(t *testing.T) {
	h := newHouse(t)
	h.start()
	second := h.run(bin(t, "ftd"), []string{"FTD_SOCKET=" + filepath.Join(h.dir, "other.sock")})
	require.Equal(t, 1, second.code)
	oneSentence(t, second.stderr, h.state())
	require.Zero(t, h.ctl("version").code, "the first one must not mind")
}

func TestClientWithoutADaemon(t *testing.T) {
	h := newHouse(t)
	for _, args := range [][]string{{"ps"}, {"run", "--no-start", "tiny-llama"}, {"show", "x"}, {"call", "math", "sqrt", "[4]"}} {
		out := h.ctl(args...)
		require.Equal(t, 3, out.code, "%v", args)
		oneSentence(t, out.stderr, h.socket())
	}
	out := h.ctl("ps", "-o", "json")
	require.Equal(t, 3, out.code)
	var problem api.Error
	require.NoError(t, json.Unmarshal([]byte(out.stderr), &problem), out.stderr)
	require.Equal(t, api.CodeUnreachable, problem.Code)
	require.NotEmpty(t, problem.Remedy)
}

func TestRecipesThatAreWrong(t *testing.T) {
	h := newHouse(t)
	h.start()

	unknown := h.ctl("run", "tiny-lama")
	require.Equal(t, 4, unknown.code)
	oneSentence(t, unknown.stderr, "tiny-lama", "tiny-llama")

	path := filepath.Join(h.dir, "wrong.yaml")
	require.NoError(t, os.WriteFile(path, []byte("apiVersion: ftd/v1\nname: x\nstepz: []\n"), 0o600))
	key := h.ctl("run", path)
	require.Equal(t, 2, key.code)
	oneSentence(t, key.stderr, "stepz", "steps", "3")

	variable := h.ctl("run", "tiny-llama", "--set", "nonsense=1")
	require.Equal(t, 2, variable.code)
	oneSentence(t, variable.stderr, "nonsense")
	require.Empty(t, h.jobs(), "nothing may be left behind")
}

func TestDataThatIsWrong(t *testing.T) {
	h := newHouse(t)
	h.start()
	cases := map[string]struct {
		data  string
		words []string
	}{
		"not JSON":      {`[{"instruction": "x"`, []string{"JSON"}},
		"lacks a field": {`[{"instruction": "a", "input": "", "output": "b"}, {"instruction": "a", "input": ""}]`, []string{"2", "output"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(h.dir, "data.json")
			require.NoError(t, os.WriteFile(path, []byte(c.data), 0o600))
			run := h.ctl("run", "tiny-llama", "--set", "data="+path, "-o", "json")
			require.Equal(t, 7, run.code, run.stderr)
			job := decode[api.Job](t, run)
			require.Equal(t, api.StateFailed, job.State)
			require.NotNil(t, job.Error)
			require.NotEmpty(t, job.Error.Remedy)
			for _, word := range append(c.words, path) {
				require.Contains(t, job.Error.Message, word)
			}
		})
	}
}

func TestTrainingThatFails(t *testing.T) {
	h := newHouse(t)
	h.start()
	script := filepath.Join(h.dir, "broken.py")
	require.NoError(t, os.WriteFile(script, []byte("def load():\n    raise ValueError('the weights are made of cheese')\n\nload()\n"), 0o600))
	run := h.ctl("train", "-o", "json", "--", filepath.Join(h.env, "bin", "python"), script)
	require.Equal(t, 7, run.code, run.stderr)
	job := decode[api.Job](t, run)
	require.Equal(t, api.StateFailed, job.State)
	require.Contains(t, job.Error.Message, "made of cheese")
	require.Contains(t, strings.Join(job.Error.Excerpt, "\n"), "in load")
	require.Contains(t, job.Error.Source, "rank_0.log:")
	require.Equal(t, 1, *job.Steps[0].Attempts[0].ExitCode)

	absent := h.ctl("train", "--", "no-such-command-anywhere")
	require.Equal(t, 7, absent.code)
	require.Contains(t, absent.stderr+absent.stdout, "no-such-command-anywhere")
}

func TestStopReachesTheWholeTree(t *testing.T) {
	h := newHouse(t)
	h.start()
	mark := filepath.Join(h.dir, "child.pid")
	submit := h.ctl("train", "--detach", "-o", "json", "--", "sh", "-c", "setsid sleep 1000 & echo $! > "+mark+"; wait")
	require.Zero(t, submit.code, submit.stderr)
	id := decode[api.Job](t, submit).ID
	eventually(t, "the grandchild", func() bool {
		pid, err := os.ReadFile(mark)
		return err == nil && len(pid) > 1
	})
	pid, err := os.ReadFile(mark)
	require.NoError(t, err)
	stop := h.ctl("stop", id)
	require.Zero(t, stop.code, stop.stderr)
	require.Equal(t, api.StateStopped, h.job(id).State)
	require.NoDirExists(t, filepath.Join("/proc", strings.TrimSpace(string(pid))), "an orphan is left")
}

func TestPythonInsideTheDaemon(t *testing.T) {
	h := newHouse(t)
	h.start()
	root := h.ctl("call", "math", "sqrt", "[16]", "-o", "json")
	require.Zero(t, root.code, root.stderr)
	require.EqualValues(t, 4, decode[api.CallResult](t, root).Result)

	executable := decode[api.CallResult](t, h.ctl("call", "shutil", "which", `["python"]`, "-o", "json"))
	require.NotNil(t, executable)

	wrong := h.ctl("call", "math", "sqrt", "[-1]")
	require.Equal(t, 1, wrong.code)
	require.Contains(t, wrong.stderr, "ValueError")
	nowhere := h.ctl("call", "no_such_module", "f")
	require.Equal(t, 1, nowhere.code)
	require.Contains(t, nowhere.stderr, "no_such_module")
	require.Zero(t, h.ctl("call", "os", "getpid", "[]").code, "the next call is right")
}
