package settings

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// clean undoes the environment of whoever runs the tests, and writes a
// settings file where text is not empty.
func clean(t *testing.T, text string) (file string) {
	for _, k := range table(new(Settings)) {
		t.Setenv(k.variable(), "") // so that it is put back
		os.Unsetenv(k.variable())
	}
	for _, name := range []string{"STATE_DIRECTORY", "RUNTIME_DIRECTORY", "VIRTUAL_ENV", "CONDA_PREFIX", "FTD_SOCKET"} {
		t.Setenv(name, "")
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, ".config"))
	t.Setenv("FTD_CONFIG", "")
	if text != "" {
		file = filepath.Join(home, ".config", "ftd", "ftd.yaml")
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	return file
}

func origins(s *Settings) map[string]string {
	m := map[string]string{}
	for _, v := range s.Values() {
		m[v.Name] = v.Origin
	}
	return m
}

func TestEveryPlaceWinsOverTheWeakerOnes(t *testing.T) {
	file := clean(t, "# how we run\nslots: 2\nlog_level: debug\n\nlog_format: json\n")
	t.Setenv("FTD_SLOTS", "3")
	t.Setenv("FTD_LOG_LEVEL", "warn")
	s, err := Load([]string{"--slots", "4", "config"})
	require.NoError(t, err)
	require.Equal(t, 4, s.Slots)
	require.Equal(t, "warn", s.LogLevel)
	require.Equal(t, "json", s.LogFormat)
	require.Equal(t, "127.0.0.1:9466", s.MetricsAddress)
	require.Equal(t, []string{"config"}, s.Args)
	from := origins(s)
	require.Equal(t, "flag --slots", from["slots"])
	require.Equal(t, "environment FTD_LOG_LEVEL", from["log_level"])
	require.Equal(t, file+":5", from["log_format"])
	require.Equal(t, "default", from["metrics_address"])
}

func TestBadSettingsSayWhereAndWhat(t *testing.T) {
	for _, c := range []struct {
		name, file string
		args       []string
		want       []string
	}{
		{"unknown key", "slots: 1\nmetric_address: x\n", nil, []string{"ftd.yaml:2", `"metric_address"`, `did you mean "metrics_address"?`}},
		{"wrong type", "slots: many\n", nil, []string{"ftd.yaml:1", `"many"`, "whole number"}},
		{"twice", "slots: 1\nslots: 2\n", nil, []string{"slots", "ftd.yaml"}},
		{"a list", "slots: [1]\n", nil, []string{"ftd.yaml:1", "single value"}},
		{"not a mapping", "- slots\n", nil, []string{"key: value"}},
		{"not YAML", "slots: [1\n", nil, []string{"not YAML"}},
		{"no such flag", "", []string{"--slot", "1"}, []string{"--slot", "--help"}},
		{"cards", "cards: 3-1\n", nil, []string{"ftd.yaml:1", `"3-1"`, "0,2,4-7"}},
		{"foreign processes", "", []string{"--foreign-processes", "kill"}, []string{"flag --foreign-processes", "wait or ignore"}},
		{"zero slots", "", []string{"--slots", "0"}, []string{"flag --slots", "at least 1"}},
		{"log level", "log_level: loud\n", nil, []string{"ftd.yaml:1", `"loud"`, "trace, debug"}},
		{"metrics address", "", []string{"--metrics-address", "9466"}, []string{"HOST:PORT"}},
		{"group", "", []string{"--group", "no-such-group-here"}, []string{"no such group"}},
		{"long socket", "", []string{"--socket", "/tmp/" + strings.Repeat("x", 120)}, []string{"125 bytes", "107", "--socket"}},
		{"missing file", "", []string{"--config", "nowhere.yaml"}, []string{"nowhere.yaml"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			clean(t, c.file)
			_, err := Load(c.args)
			var e *api.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, api.CodeSettings, e.Code)
			require.NotEmpty(t, e.Remedy)
			require.NotContains(t, e.Message, "strconv", "words of Go are nobody's")
			for _, part := range c.want {
				require.Contains(t, err.Error(), part)
			}
		})
	}
}

// Of several bad settings the same one is said each time.
func TestTheFirstBadSettingIsSaid(t *testing.T) {
	clean(t, "")
	for range 50 {
		_, err := Load([]string{"--libexec=", "--shim=", "--socket="})
		require.ErrorContains(t, err, "flag --socket")
	}
}

func TestAFileOfCommentsOrNothingIsFine(t *testing.T) {
	for _, text := range []string{"\n", "# nothing yet\n", "---\n", "env:\n"} {
		clean(t, text)
		s, err := Load(nil)
		require.NoError(t, err, "%q", text)
		require.Equal(t, 1, s.Slots)
		require.Empty(t, s.Env)
	}
}

func TestDefaultsFollowTheUserAndTheService(t *testing.T) {
	clean(t, "")
	t.Setenv("XDG_RUNTIME_DIR", "/run/user/7")
	t.Setenv("XDG_STATE_HOME", "/home/someone/.local/state")
	s, err := Load(nil)
	require.NoError(t, err)
	if os.Getuid() != 0 {
		require.Equal(t, "/run/user/7/ftd/ftd.sock", s.Socket)
		require.Equal(t, "/home/someone/.local/state/ftd", s.StateDir)
	} else {
		require.Equal(t, api.SystemSocket, s.Socket)
		require.Equal(t, "/var/lib/ftd", s.StateDir)
	}
	t.Setenv("RUNTIME_DIRECTORY", "/run/ftd")
	t.Setenv("STATE_DIRECTORY", "/srv/ftd")
	t.Setenv("CONDA_PREFIX", "/opt/conda/envs/ms")
	s, err = Load([]string{"--metrics-address", "off"})
	require.NoError(t, err)
	require.Equal(t, "/run/ftd/ftd.sock", s.Socket)
	require.Equal(t, "/srv/ftd", s.StateDir)
	require.Equal(t, "/opt/conda/envs/ms", s.Env)
	require.Empty(t, s.MetricsAddress)
	t.Setenv("FTD_METRICS_ADDRESS", "")
	t.Setenv("FTD_SLOTS", "")
	s, err = Load(nil)
	require.NoError(t, err)
	require.Empty(t, s.MetricsAddress)
	require.Equal(t, 1, s.Slots)
}

func TestTheEnvironmentThatTheDaemonWasBuiltFor(t *testing.T) {
	prefix, env := t.TempDir(), t.TempDir()
	require.Empty(t, builtFor(prefix))
	file := filepath.Join(prefix, "libexec", "ftd", "environment")
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, []byte(env+"\n"), 0o600))
	require.Equal(t, env, builtFor(prefix))
	require.NoError(t, os.RemoveAll(env))
	require.Empty(t, builtFor(prefix), "it is gone")
}

func TestPrintShowsEveryKeyOnceWithItsOrigin(t *testing.T) {
	clean(t, "slots: 2\n")
	s, err := Load(nil)
	require.NoError(t, err)
	var text, data bytes.Buffer
	require.NoError(t, s.Print(&text, "text"))
	require.NoError(t, s.Print(&data, "json"))
	var values []Value
	require.NoError(t, json.Unmarshal(data.Bytes(), &values))
	require.Len(t, values, len(table(new(Settings))))
	for _, v := range values {
		require.NotEmpty(t, v.Doc)
		require.Equal(t, 1, strings.Count("\n"+text.String(), "\n"+v.Name+" "), v.Name)
	}
	require.Error(t, s.Print(&text, "xml"))
	for _, k := range table(new(Settings)) {
		require.Contains(t, Usage(), "--"+k.flag()+" ")
	}
}
