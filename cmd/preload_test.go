package cmd_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// greedy has more thread-local variables of the fast kind than there is room
// for in a process that has started, as torch's OpenMP library has on ARM.
const greedy = `
static __thread char large[1 << 16] __attribute__((tls_model("initial-exec")));
int size(void) { large[0] = 1; return sizeof large * large[0]; }
`

// withGreedyTorch makes an environment whose package torch loads such a library
// from a place below site-packages.
func withGreedyTorch(t *testing.T, base, place string) string {
	t.Helper()
	env := filepath.Join(t.TempDir(), "env")
	run := func(name string, args ...string) {
		out, err := exec.Command(name, args...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	run(filepath.Join(base, "bin", "python"), "-m", "venv", "--without-pip", env)
	sites, err := filepath.Glob(filepath.Join(env, "lib", "python*", "site-packages"))
	require.NoError(t, err)
	require.Len(t, sites, 1)
	library := filepath.Join(sites[0], place)
	require.NoError(t, os.MkdirAll(filepath.Dir(library), 0o755))
	source := filepath.Join(t.TempDir(), "greedy.c")
	require.NoError(t, os.WriteFile(source, []byte(greedy), 0o600))
	run("gcc", "-shared", "-fPIC", "-o", library, source)
	torch := filepath.Join(sites[0], "torch")
	require.NoError(t, os.MkdirAll(torch, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(torch, "__init__.py"), []byte(
		"import ctypes, os\nsize = ctypes.CDLL(os.path.join(os.path.dirname(os.path.dirname(__file__)), "+quoted(place)+")).size\n"), 0o600))
	return env
}

func quoted(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}

func TestLibrariesThatMustBeLoadedFirst(t *testing.T) {
	if _, err := exec.LookPath("gcc"); err != nil {
		need(t, "gcc")
	}
	for _, test := range []struct {
		name, place string
		found       bool
	}{
		{"torch", "torch/lib/libgomp-d22c30c5.so.1", true},
		{"torch on ARM", "torch.libs/libgomp-6e1a1d1b.so.1.0.0", true},
		{"scikit-learn", "scikit_learn.libs/libgomp-d22c30c5.so.1.0.0", true},
		// The same library where the front door does not look: this is what
		// it protects from.
		{"elsewhere", "torch/lib/libelse.so", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t)
			h.env = withGreedyTorch(t, h.env, test.place)
			h.start()
			for _, isolation := range []string{"", "worker"} {
				r, err := h.client().Call(t.Context(), api.CallRequest{Module: "torch", Function: "size", Isolation: isolation})
				if test.found {
					require.NoError(t, err)
					require.Equal(t, json.Number("65536"), r.Result)
					continue
				}
				var e *api.Error
				require.ErrorAs(t, err, &e)
				require.Equal(t, api.CodePython, e.Code)
				require.ErrorContains(t, err, "static TLS block")
			}
		})
	}
}
