package launcher

import (
	"context"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/launcher/process"
)

// library writes the header of a shared library, which is all that is looked at.
func library(t *testing.T, path string, machine elf.Machine) string {
	t.Helper()
	h := elf.Header64{
		Type: uint16(elf.ET_DYN), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT), Ehsize: 64,
	}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB)
	h.Ident[elf.EI_VERSION] = byte(elf.EV_CURRENT)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
	f, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, binary.Write(f, binary.LittleEndian, h))
	require.NoError(t, f.Close())
	return path
}

func native(t *testing.T) elf.Machine {
	t.Helper()
	m := machineOf("/proc/self/exe")
	require.NotEqual(t, elf.EM_NONE, m)
	return m
}

func foreign(t *testing.T) elf.Machine {
	t.Helper()
	if runtime.GOARCH == "arm64" {
		return elf.EM_X86_64
	}
	return elf.EM_AARCH64
}

// environment makes a directory that looks like a Python environment.
func environment(t *testing.T, files ...string) string {
	t.Helper()
	prefix := filepath.Join(t.TempDir(), "env[1]*?") // only a name
	require.NoError(t, os.MkdirAll(filepath.Join(prefix, "bin"), 0o750))
	require.NoError(t, os.Symlink(tools.python, filepath.Join(prefix, "bin", "python")))
	for _, f := range files {
		path := filepath.Join(prefix, f)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		require.NoError(t, os.WriteFile(path, nil, 0o600))
	}
	return prefix
}

func built(t *testing.T, req EnvRequest) Environment {
	t.Helper()
	env, err := BuildEnvironment(t.Context(), req)
	require.NoError(t, err)
	return env
}

func TestEnvironmentOfAVenv(t *testing.T) {
	prefix := environment(t, "pyvenv.cfg")
	env := built(t, EnvRequest{
		Prefix: prefix,
		Start: []string{
			"PATH=/usr/bin:" + prefix + "/bin:/bin", "HOME=/home/user", "CONDA_PREFIX=/opt/conda", "PYTHONHOME=/other",
			"MS_COMPILER_CACHE_ENABLE=1", "LC_ALL=C.UTF-8", "FTD_STATE_DIR=/state", "no value", "PYTHONUNBUFFERED=",
		},
		Extra: map[string]string{"MS_COMPILER_CACHE_ENABLE": "0", "NEW": "yes"},
	})
	require.Equal(t, prefix+"/bin:/usr/bin:/bin", env.Get("PATH"))
	require.Equal(t, prefix, env.Get("VIRTUAL_ENV"))
	require.Equal(t, "0", env.Get("MS_COMPILER_CACHE_ENABLE"))
	require.Equal(t, "yes", env.Get("NEW"))
	require.Equal(t, "1", env.Get("PYTHONUNBUFFERED"))
	require.Equal(t, "1", env.Get("MS_JIT_DISPLAY_PROGRESS"))
	require.Equal(t, "C.UTF-8", env.Get("LC_ALL"))
	require.Equal(t, []string{"CONDA_PREFIX", "PYTHONHOME", "FTD_STATE_DIR", "PYTHONUNBUFFERED"}, env.LeftOut)
	require.Empty(t, env.Warnings)

	names := map[string]bool{}
	for _, entry := range env.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		require.False(t, names[name], "%s is there twice", name)
		names[name] = true
		require.NotContains(t, []string{"PYTHONHOME", "CONDA_PREFIX", "FTD_STATE_DIR"}, name)
	}
	for _, v := range env.Vars {
		require.NotEmpty(t, v.Source, v.Name)
		require.NotEmpty(t, v.Why, v.Name)
	}
}

func TestEnvironmentOfConda(t *testing.T) {
	prefix := environment(t, "conda-meta/history")
	env := built(t, EnvRequest{Prefix: prefix, Start: []string{"VIRTUAL_ENV=/venv"}})
	require.Equal(t, prefix, env.Get("CONDA_PREFIX"))
	require.Equal(t, filepath.Base(prefix), env.Get("CONDA_DEFAULT_ENV"))
	require.Empty(t, env.Get("VIRTUAL_ENV"))
	require.True(t, strings.HasPrefix(env.Get("PATH"), prefix+"/bin:"))
}

func TestEnvironmentWithoutPython(t *testing.T) {
	_, err := BuildEnvironment(t.Context(), EnvRequest{Prefix: t.TempDir()})
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, CodeNoEnvironment, e.Code)
	require.NotEmpty(t, e.Remedy)
}

func TestActivationScripts(t *testing.T) {
	prefix := environment(t, "conda-meta/history")
	script := func(name, text string) string {
		path := filepath.Join(prefix, "etc/conda/activate.d", name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	home := t.TempDir()
	ascend := filepath.Join(home, "Ascend/ascend-toolkit/set_env.sh")
	require.NoError(t, os.MkdirAll(filepath.Dir(ascend), 0o750))
	require.NoError(t, os.WriteFile(ascend, []byte(`
		echo noise; echo more noise >&2; echo stray >&3
		export ASCEND_HOME_PATH="$HOME/Ascend/latest" LD_LIBRARY_PATH="$HOME/Ascend/lib64:$LD_LIBRARY_PATH"
		export PATH="$HOME/Ascend/bin:$PATH" MULTI="two
lines=here"; private=not exported`), 0o600))
	first := script("a.sh", `export FROM_CONDA="$ASCEND_HOME_PATH" ; unset TZ; cd /`)
	broken := script("b.sh", `exit 3`)
	last := script("c.sh", `export LAST="$FROM_CONDA/last"`)

	start := []string{"HOME=" + home, "PATH=/usr/bin:/bin", "TZ=UTC", "LD_LIBRARY_PATH=/old"}
	scripts := ActivationScripts(prefix, start)
	require.Equal(t, []string{ascend, first, broken, last}, scripts)
	env := built(t, EnvRequest{Prefix: prefix, Start: start, Scripts: scripts})

	require.Equal(t, home+"/Ascend/latest", env.Get("ASCEND_HOME_PATH"))
	require.Equal(t, home+"/Ascend/latest/last", env.Get("LAST"))
	require.Equal(t, home+"/Ascend/lib64:/old", env.Get("LD_LIBRARY_PATH"))
	require.Equal(t, prefix+"/bin:"+home+"/Ascend/bin:/usr/bin:/bin", env.Get("PATH"))
	require.Equal(t, "two\nlines=here", env.Get("MULTI"))
	for _, name := range []string{"TZ", "private", "PWD", "OLDPWD", "SHLVL", "_"} {
		require.Empty(t, env.Get(name), name)
	}
	for _, v := range env.Vars {
		if v.Name == "LAST" {
			require.Equal(t, last, v.Source)
		}
	}
	require.Len(t, env.Warnings, 1)
	require.Contains(t, env.Warnings[0], broken)

	require.NotContains(t, ActivationScripts(prefix, append(start, "ASCEND_HOME_PATH=/there")), ascend,
		"it was run already")
}

// What a script starts in the background must not outlive the reading of it.
func TestAnActivationScriptLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	script, pid := filepath.Join(dir, "set_env.sh"), filepath.Join(dir, "pid")
	require.NoError(t, os.WriteFile(script, []byte("sleep 600 & echo $! >"+pid+"; export DONE=1"), 0o600))
	env := built(t, EnvRequest{Start: []string{"PATH=/usr/bin:/bin"}, Scripts: []string{script}})
	require.Equal(t, "1", env.Get("DONE"))
	text, err := os.ReadFile(pid)
	require.NoError(t, err)
	started, err := strconv.Atoi(strings.TrimSpace(string(text)))
	require.NoError(t, err)
	if id, err := process.Find(started); err == nil {
		t.Cleanup(func() { _ = id.Signal(syscall.SIGKILL) })
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		require.NoError(t, id.Wait(ctx), "it goes on")
	}
}

func TestFindPreload(t *testing.T) {
	const site = "lib/python3.11/site-packages/"
	prefix := environment(t, site+"torch/__init__.py")
	require.NoError(t, os.Symlink("lib", filepath.Join(prefix, "lib64")))
	torch := library(t, filepath.Join(prefix, site, "torch/lib/libgomp-d22c30c5.so.1"), native(t))
	libs := library(t, filepath.Join(prefix, site, "torch.libs/libgomp-6e1a1d1b.so.1.0.0"), native(t))
	sklearn := library(t, filepath.Join(prefix, site, "scikit_learn.libs/libgomp-a34b3233.so.1.0.0"), native(t))
	library(t, filepath.Join(prefix, site, "scikit_learn.libs/libgomp-other.so.1"), foreign(t))
	require.NoError(t, os.WriteFile(filepath.Join(prefix, site, "torch.libs/libgomp-text.so.1"), []byte("text"), 0o600))
	require.NoError(t, os.Symlink("/gone", filepath.Join(prefix, site, "torch.libs/libgomp-gone.so.1")))
	own := library(t, filepath.Join(prefix, "lib/libgomp.so.1.0.0"), native(t))
	require.NoError(t, os.Symlink(filepath.Base(own), filepath.Join(prefix, "lib/libgomp.so.1")))

	found := FindPreload(prefix)
	var paths []string
	for _, f := range found {
		paths = append(paths, f.Path)
		require.NotEmpty(t, f.Why)
	}
	require.Equal(t, []string{torch, libs, sklearn, filepath.Join(prefix, "lib/libgomp.so.1")}, paths)

	users := library(t, filepath.Join(t.TempDir(), "libtcmalloc.so"), native(t))
	other := library(t, filepath.Join(t.TempDir(), "libother.so"), foreign(t))
	env := built(t, EnvRequest{Prefix: prefix, Start: []string{"LD_PRELOAD=" + users + " /gone/lib.so:" + libs + ":libjemalloc.so:" + other}})
	require.Equal(t, strings.Join(append(paths, users, "libjemalloc.so"), ":"), env.Get("LD_PRELOAD"))
	require.Len(t, env.Warnings, 2)
	require.Contains(t, env.Warnings[0], "/gone/lib.so does not exist")
	require.Contains(t, env.Warnings[1], other)
}

func TestNoPreloadOfAPathWithABlank(t *testing.T) {
	prefix := filepath.Join(t.TempDir(), "env [1]")
	torch := library(t, filepath.Join(prefix, "lib/python3.11/site-packages/torch/lib/libgomp-d22c30c5.so.1"), native(t))
	value, warnings := MergePreload(FindPreload(prefix), "")
	require.Empty(t, value, "the loader would take it for two names")
	require.Len(t, warnings, 1)
	require.Contains(t, warnings[0], "LD_PRELOAD cannot hold "+torch)
}

func TestNoPreloadWithoutNeed(t *testing.T) {
	prefix := environment(t, "lib/python3.11/site-packages/numpy/__init__.py")
	library(t, filepath.Join(prefix, "lib/libgomp.so.1"), native(t))
	found := FindPreload(prefix)
	require.Empty(t, found)
	env := built(t, EnvRequest{Prefix: prefix})
	require.NotContains(t, strings.Join(env.Environ(), "\n"), "LD_PRELOAD")
}

func TestLibpythonDirectory(t *testing.T) {
	_, needed := libpythonDir(tools.shim) // a static program
	require.False(t, needed)
	_, needed = libpythonDir(tools.trainer) // no program at all
	require.False(t, needed)
	env := built(t, EnvRequest{Prefix: environment(t)})
	spec := command(t, "python", "-c", "print('alive')")
	spec.Env = env.Environ()
	run := launch(t, spec)
	require.Equal(t, 0, wait(t, run).Exit.Code, content(run.Log()))
}
