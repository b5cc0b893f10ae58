package recipe

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ftd/recipe/yamledit"

	"github.com/stretchr/testify/require"
)

// install makes the traces that an installed mindformers leaves.
func install(t *testing.T, version string, models ...string) string {
	t.Helper()
	prefix := filepath.Join(t.TempDir(), "env [1]")
	site := filepath.Join(prefix, "lib", "python3.11", "site-packages")
	require.NoError(t, os.MkdirAll(filepath.Join(site, "mindformers-"+version+".dist-info"), 0o755))
	for _, model := range models {
		require.NoError(t, os.MkdirAll(filepath.Join(site, "mindformers", "models", model), 0o755))
	}
	return prefix
}

func TestMindformersOfTheEnvironmentOrOfACheckout(t *testing.T) {
	old := StepContext{Settings: Settings{Env: install(t, "0.8.0", "llama", "glm")}}
	require.Equal(t, "0.8.0", findMindformers(&old).version)
	require.Equal(t, "0.8", findMindformers(&old).layout())
	require.Equal(t, "glm", findMindformers(&old).chatglm())

	recent := StepContext{Settings: Settings{Env: install(t, "1.6.0", "llama", "glm2")}}
	require.Equal(t, "1.6", findMindformers(&recent).layout())
	require.Equal(t, "glm2", findMindformers(&recent).chatglm())

	checkout := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(checkout, "setup.py"), []byte("setup(\n    version='0.6.0',\n)"), 0o644))
	recent.With = map[string]any{checkoutParam: checkout}
	require.Equal(t, "0.6.0", findMindformers(&recent).version, "a checkout comes before what is installed")

	decided := familyKind{}.decided(&StepContext{With: map[string]any{"family": "chatglm", checkoutParam: checkout}})
	require.Equal(t, map[string]any{"family": "glm"}, decided.With)

	require.Equal(t, "1.6", findMindformers(&StepContext{Settings: Settings{Env: t.TempDir()}}).layout())
}

func TestAConfigIsLaidOutForTheVersion(t *testing.T) {
	old, recent := mindformers{version: "0.8.0"}, mindformers{version: "1.6.0"}
	require.Equal(t, "builtin:configs/0.8/a.yaml", old.laidOut("builtin:configs/a.yaml"))
	require.Equal(t, "builtin:configs/1.6/a.yaml", recent.laidOut("builtin:configs/a.yaml"))
	require.Equal(t, "builtin:configs/1.6/a.yaml", old.laidOut("builtin:configs/1.6/a.yaml"), "as it is asked for")
	require.Equal(t, "/data/a.yaml", old.laidOut("/data/a.yaml"))
}

// What the built-in recipes set must be in the config of every layout, and the
// key of the step must tell the layouts apart.
func TestEveryLayoutTakesWhatTheRecipesSet(t *testing.T) {
	for _, name := range []string{"tiny-llama", "tiny-glm"} {
		t.Run(name, func(t *testing.T) { takesWhatIsSet(t, name) })
	}
}

func takesWhatIsSet(t *testing.T, recipe string) {
	t.Helper()
	tiny, err := Load(recipe)
	require.NoError(t, err)
	set := map[string]any{}
	var step Step
	for _, s := range tiny.Steps {
		if s.Uses == "config" {
			values, _ := s.With["set"].(map[string]any)
			maps.Copy(set, values)
		}
		if file, _ := s.With["file"].(string); strings.HasPrefix(file, builtinPrefix+"configs/") {
			step = s
		}
	}
	require.NotEmpty(t, set)
	keys := map[string]bool{}
	for _, version := range []string{"0.8.0", "1.6.0"} {
		s := StepContext{
			Host:     newHost(t),
			Step:     step,
			With:     map[string]any{"file": step.With["file"]},
			Settings: Settings{Env: install(t, version)},
		}
		name := findMindformers(&s).laidOut(step.With["file"].(string))
		source, err := readSource(name)
		require.NoError(t, err)
		plain := map[string]any{}
		for path := range set {
			plain[path] = "1"
		}
		_, err = yamledit.Edit(source, plain)
		require.NoError(t, err, name)
		key, err := configKind{}.Key(t.Context(), &s)
		require.NoError(t, err)
		keys[key] = true
	}
	require.Len(t, keys, 2)
}
