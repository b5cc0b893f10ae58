package launcher

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/logparse"
)

func problemsIn(t *testing.T, log string) (problems []logparse.Problem) {
	t.Helper()
	p := logparse.NewParser()
	take := func(r *logparse.Record) {
		if r.Kind == logparse.KindProblem {
			problems = append(problems, r.Problem)
		}
	}
	p.Feed([]byte(log), take)
	p.Flush(take)
	require.NotEmpty(t, problems)
	return problems
}

func TestStaticTLSRemedy(t *testing.T) {
	lib := library(t, filepath.Join(t.TempDir(), "torch.libs", "libgomp-6e1a1d1b.so.1.0.0"), native(t))
	log := "Traceback (most recent call last):\n  File \"train.py\", line 1, in <module>\n    import torch\n" +
		"ImportError: " + filepath.Dir(lib) + "/../torch.libs/libgomp-6e1a1d1b.so.1.0.0: cannot allocate memory in static TLS block\n"
	problems := problemsIn(t, log)

	failed := Status{State: StateExited, Exit: Exit{Code: 1}}
	run := &Run{}
	change, ok := run.Remedy(failed, problems, nil)
	require.True(t, ok)
	require.Equal(t, "static-tls", change.Problem)
	require.Contains(t, change.Why, "libgomp-6e1a1d1b.so.1.0.0")
	env := change.Apply([]string{"A=1", "LD_PRELOAD=/a.so " + lib + ":/b.so"})
	require.Equal(t, []string{"A=1", "LD_PRELOAD=" + lib + ":/a.so:/b.so"}, env)

	_, ok = run.Remedy(failed, problems, []EnvChange{change})
	require.False(t, ok, "each once")
	_, ok = run.Remedy(Status{State: StateExited}, problems, nil)
	require.False(t, ok, "it succeeded all the same")
	_, ok = run.Remedy(Status{State: StateLost}, problems, nil)
	require.False(t, ok)
	_, ok = StaticTLSLibrary("ImportError: /gone/libgomp.so.1: cannot allocate memory in static TLS block")
	require.False(t, ok, "there is no such library")
	_, ok = StaticTLSLibrary("libgomp.so.1: cannot allocate memory in static TLS block")
	require.False(t, ok, "nobody knows where it is")
}

// Each failure of the error table that a program can mend in the environment,
// and each once.
func TestCures(t *testing.T) {
	prefix, ascend := filepath.Join(t.TempDir(), "env[1]"), filepath.Join(t.TempDir(), "cann[*]")
	site := filepath.Join(prefix, "lib", "python3.9", "site-packages")
	hccl := library(t, filepath.Join(ascend, "lib64", "libhccl.so"), native(t))
	bundled := library(t, filepath.Join(site, "mindspore", "lib", "libmindspore_core.so"), native(t))
	libstdcxx := library(t, filepath.Join(prefix, "lib", "libstdc++.so.6"), native(t))
	f, err := os.OpenFile(libstdcxx, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString("GLIBCXX_3.4.29\x00")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.NoError(t, os.MkdirAll(filepath.Join(ascend, "python", "site-packages", "tbe"), 0o755))

	env := []string{"CONDA_PREFIX=" + prefix, "ASCEND_HOME_PATH=" + ascend, "LD_LIBRARY_PATH=/a", "HCCL_EXEC_TIMEOUT=1"}
	for _, c := range []struct {
		line    string
		problem string
		after   string // in the environment
	}{
		{"ImportError: libhccl.so: cannot open shared object file: No such file or directory", "library-missing", "LD_LIBRARY_PATH=" + filepath.Dir(hccl) + ":/a"},
		{"OSError: libmindspore_core.so: cannot open shared object file: No such file or directory", "library-missing", "LD_LIBRARY_PATH=" + filepath.Dir(bundled) + ":/a"},
		{"ImportError: /usr/lib/libstdc++.so.6: version `GLIBCXX_3.4.29' not found (required by x.so)", "libstdcxx-too-old", "LD_LIBRARY_PATH=" + filepath.Dir(libstdcxx) + ":/a"},
		{"ModuleNotFoundError: No module named 'tbe'", "module-missing", "PYTHONPATH=" + filepath.Join(ascend, "python", "site-packages")},
		{"OMP: Error #15: Initializing libiomp5.so, but found libomp.so already initialized.", "openmp-twice", "KMP_DUPLICATE_LIB_OK=TRUE"},
		{"TypeError: Descriptors cannot be created directly.", "protobuf-too-new", "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=python"},
		{"RuntimeError: EI0006: Getting socket times out.", "hccl-connect-timeout", "HCCL_CONNECT_TIMEOUT=1800"},
		{"RuntimeError: EI0001: Value [1] for environment variable [HCCL_EXEC_TIMEOUT] is invalid", "hccl-env-invalid", ""},
		// What is not there cannot be put first.
		{"ImportError: libnowhere.so: cannot open shared object file: No such file or directory", "", ""},
		{"ImportError: /usr/lib/libstdc++.so.6: version `GLIBCXX_9.9.9' not found (required by x.so)", "", ""},
		{"ModuleNotFoundError: No module named 'jieba'", "", ""},
		{"Failed to call bind, url: 127.0.0.1:8118 Address already in use", "", ""}, // a port that the user chose
	} {
		run := &Run{spec: Spec{Env: env}}
		failed := Status{State: StateExited, Exit: Exit{Code: 1}}
		found := problemsIn(t, c.line+"\n")
		change, ok := run.Remedy(failed, found, nil)
		require.Equal(t, c.problem != "", ok, c.line)
		if !ok {
			continue
		}
		require.Equal(t, c.problem, change.Problem, c.line)
		require.NotEmpty(t, change.Why)
		after := change.Apply(append([]string{}, env...))
		if c.after != "" {
			require.Contains(t, after, c.after)
		} else {
			require.NotContains(t, after, "HCCL_EXEC_TIMEOUT=1")
		}
		_, ok = run.Remedy(failed, found, []EnvChange{change})
		require.False(t, ok, "once: %s", c.line)
	}
}
