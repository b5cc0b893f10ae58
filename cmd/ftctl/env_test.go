package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// explainEnv runs "ftctl env explain" in an environment of its own.
func explainEnv(t *testing.T, args ...string) (int, string, string) {
	t.Helper()
	root := newRootCommand()
	if sub, _, err := root.Find([]string{"env", "explain"}); err != nil || sub.Name() != "explain" {
		root.AddCommand(newEnvCommand())
	}
	var out, talk bytes.Buffer
	root.SetArgs(append([]string{"env", "explain"}, args...))
	root.SetOut(&out)
	root.SetErr(&talk)
	ran, err := root.ExecuteContextC(t.Context())
	if err != nil {
		printError(&talk, err, jsonErrors(ran, args), newPalette(&talk, true))
	}
	return exitStatus(err), out.String(), talk.String()
}

func venv(t *testing.T) string {
	t.Helper()
	prefix := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(prefix, "bin"), 0o750))
	for name, mode := range map[string]os.FileMode{"pyvenv.cfg": 0o600, "bin/python": 0o700, "bin/trainer": 0o700} {
		require.NoError(t, os.WriteFile(filepath.Join(prefix, name), nil, mode))
	}
	return prefix
}

func TestEnvExplain(t *testing.T) {
	prefix := venv(t)
	t.Setenv("HF_TOKEN", "hf_secret")
	t.Setenv("PYTHONHOME", "/elsewhere")
	t.Setenv("PATH", "/usr/bin:/bin")
	t.Setenv("MS_JIT_DISPLAY_PROGRESS", "0")

	status, out, _ := explainEnv(t, "--env", prefix, "-e", "MY_PASSWORD=geheim", "-o", "json", "--", "trainer", "--env", "x")
	require.Equal(t, 0, status)
	require.NotContains(t, out, "hf_secret")
	require.NotContains(t, out, "geheim")
	var e explanation
	require.NoError(t, json.Unmarshal([]byte(out), &e))
	require.Equal(t, filepath.Join(prefix, "bin/trainer"), e.Command.Path)
	require.Contains(t, e.LeftOut, "PYTHONHOME")
	vars := map[string]envVar{}
	for _, v := range e.Variables {
		require.NotEmpty(t, v.Source, v.Name)
		require.NotEmpty(t, v.Why, v.Name)
		vars[v.Name] = v
	}
	require.Equal(t, prefix+"/bin:/usr/bin:/bin", vars["PATH"].Value)
	require.Equal(t, "/usr/bin:/bin", vars["PATH"].Before)
	require.True(t, vars["PATH"].Changed)
	require.Equal(t, "ftd", vars["VIRTUAL_ENV"].Source)
	require.Equal(t, "user", vars["MY_PASSWORD"].Source)
	require.Equal(t, "inherited", vars["HF_TOKEN"].Source)
	require.False(t, vars["HF_TOKEN"].Changed)
	require.Equal(t, "0", vars["MS_JIT_DISPLAY_PROGRESS"].Value)
	// What is added when a training starts is there as well.
	require.Equal(t, "ATTEMPT/stacks", vars["FTD_STACKS"].Value)
	require.Equal(t, "ATTEMPT/exit_request.json", vars["FTD_EXIT_REQUEST"].Value)
	require.Contains(t, vars["PYTHONPATH"].Value, "LIBRARY/ftd_site")
	require.Contains(t, vars, "FTD_RUN_ID")

	status, out, _ = explainEnv(t, "--env", prefix)
	require.Equal(t, 0, status)
	require.Contains(t, out, "PATH="+prefix+"/bin:/usr/bin:/bin\n    before: /usr/bin:/bin\n")
	require.NotContains(t, out, "HF_TOKEN", "it is passed on as it is")
	_, out, _ = explainEnv(t, "--env", prefix, "--all")
	require.Contains(t, out, "HF_TOKEN=*")
	require.Contains(t, out, "PYTHONHOME")
}

func TestEnvExplainOfWhatIsNotThere(t *testing.T) {
	status, out, talk := explainEnv(t, "--env", t.TempDir())
	require.Equal(t, 1, status)
	require.Empty(t, out)
	require.Contains(t, talk, "there is no Python in")
	require.Contains(t, talk, "what to do")

	status, _, talk = explainEnv(t, "--env", venv(t), "-o", "json", "--", "no-such-trainer")
	require.Equal(t, 1, status)
	var e struct{ Code, Remedy string }
	require.NoError(t, json.NewDecoder(strings.NewReader(talk)).Decode(&e))
	require.Equal(t, "command-not-found", e.Code)
	require.NotEmpty(t, e.Remedy)
}
