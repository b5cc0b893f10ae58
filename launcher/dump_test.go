package launcher

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/launcher/watchdog"
)

// unpack returns the files of a dump by their names below its directory.
func unpack(t *testing.T, path string) map[string]string {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	zipped, err := gzip.NewReader(f)
	require.NoError(t, err)
	files := map[string]string{}
	for archive := tar.NewReader(zipped); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		require.NoError(t, err)
		data, err := io.ReadAll(archive)
		require.NoError(t, err)
		_, name, _ := strings.Cut(header.Name, "/")
		files[name] = string(data)
	}
}

// withSite is a training whose Python answers for its stacks, in an
// environment that has a sitecustomize of its own.
func withSite(t *testing.T, args ...string) Spec {
	t.Helper()
	site, err := filepath.Abs("../recipe/py/ftd_site")
	require.NoError(t, err)
	own := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(own, "sitecustomize.py"), []byte("print('the own sitecustomize ran', flush=True)\n"), 0o600))
	spec := training(t, args...)
	spec.Env = append(spec.Env, "PYTHONPATH="+site+":"+own, "PYTHONDONTWRITEBYTECODE=1", "PASSWORD=geheim")
	return spec
}

func TestDump(t *testing.T) {
	spec := withSite(t, "--steps", "9", "--hang-at", "3", "--workers", "1", "--helpers", "1")
	bin := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(bin, "npu-smi"), []byte("#!/bin/sh\necho a card, asked for $1\n"), 0o700)) //nolint:gosec // a program
	spec.Env = setVariable(spec.Env, "PATH", bin+":"+os.Getenv("PATH"))
	run := launch(t, spec)
	logged(t, run, "step:[    2/")
	logged(t, run, "the own sitecustomize ran")
	trainer := run.Shim().Child
	until(t, func() bool { return catches(trainer, syscall.SIGUSR1) }, func() string { return "its handler" })

	var files map[string]string
	var path, stacks string
	// It may still be on its way into the step that hangs.
	until(t, func() bool {
		var err error
		path, err = run.Dump(t.Context())
		require.NoError(t, err)
		files = unpack(t, path)
		stacks = files["python-stacks/"+strconv.Itoa(trainer)+".txt"]
		return strings.Contains(stacks, "in step")
	}, func() string { return "the step in its stacks: " + stacks })
	require.Contains(t, stacks, "trainer.py")
	require.Contains(t, files["logs/rank_0.log"], "step:[    2/")
	require.Equal(t, 4, strings.Count(files["processes.txt"], "\n"), "a line for each of the three: %s", files["processes.txt"])
	require.Contains(t, files["processes/"+strconv.Itoa(trainer)+"/open-files"], "rank_0.log")
	require.Contains(t, files["processes/"+strconv.Itoa(trainer)+"/status"], "State:")
	require.Equal(t, "a card, asked for info\n", files["npu-smi.txt"])
	for name, text := range files {
		require.NotContains(t, text, "geheim", name)
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())

	again, err := run.Dump(t.Context())
	require.NoError(t, err)
	require.NotEqual(t, path, again)
	stacks = unpack(t, again)["python-stacks/"+strconv.Itoa(trainer)+".txt"]
	require.Equal(t, 1, strings.Count(stacks, "most recent call first"), "what was asked for before is not in it: %s", stacks)
	for n := 3; n <= maxDumps; n++ {
		touch(t, filepath.Join(run.Dir(), "dump-"+strconv.Itoa(n)+".tar.gz"))
	}
	_, err = run.Dump(t.Context())
	require.ErrorContains(t, err, "there are 20")
	st, err := run.Status()
	require.NoError(t, err)
	require.Equal(t, StateRunning, st.State, "a look ends nothing")
}

// The signal would end what has no handler for it.
func TestDumpOfProgramsThatKnowNothingOfIt(t *testing.T) {
	run := launch(t, command(t, "sh", "-c", "echo begun; sleep 600 & sleep 600"))
	logged(t, run, "begun")
	// Not even a file that looks as if it had one helps.
	require.NoError(t, os.WriteFile(run.stacksFile(run.Shim().Child), nil, 0o600))
	path, err := run.Dump(t.Context())
	require.NoError(t, err)
	require.Contains(t, unpack(t, path)["processes.txt"], " sh\n")
	st, err := run.Status()
	require.NoError(t, err)
	require.Equal(t, StateRunning, st.State)
}

func TestStacksLeaveNothingBehind(t *testing.T) {
	run := launch(t, withSite(t, "--steps", "2"))
	require.Zero(t, wait(t, run).Exit.Code)
	left, err := os.ReadDir(filepath.Join(run.Dir(), stacksDir))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestSignsOfACompile(t *testing.T) {
	cache := t.TempDir()
	spec := training(t, "--compile-ms", "60000")
	spec.Env = append(spec.Env, "MS_COMPILER_CACHE_PATH="+cache)
	run := launch(t, spec)
	logged(t, run, "Starting Training Model") // all that is said before the steps
	first, err := run.Signs(0, true)
	require.NoError(t, err)
	require.True(t, first.LogOnly, "what writes need not be looked at")
	require.Zero(t, first.Cache)
	signs := func(caches bool) watchdog.Signs {
		s, err := run.Signs(first.Log, caches)
		require.NoError(t, err)
		require.False(t, s.LogOnly)
		return s
	}
	before := signs(true)
	require.Equal(t, 1, before.Processes)
	require.NotZero(t, before.Cache)

	for _, dir := range []string{filepath.Join(cache, "rank_0", "graph_cache"), filepath.Join(spec.Dir, "kernel_meta")} {
		require.NoError(t, os.MkdirAll(dir, 0o700))
		touch(t, filepath.Join(dir, "new.o"))
		after := signs(true)
		require.NotEqual(t, before.Cache, after.Cache, dir)
		require.Equal(t, after.Cache, signs(true).Cache, dir)
		before = after
	}
	require.Zero(t, signs(false).Cache)
	require.Less(t, signs(false).CPU, time.Minute)
}

// Each rank has a session of its own, and each answers.
func TestDumpOfAllRanks(t *testing.T) {
	spec := withSite(t, "--ranks", "2", "--steps", "9", "--step-ms", "100000", "--lame", "1", "--hang-at", "1")
	spec.RankLogs = "msrun_log/worker_*.log"
	run := launch(t, spec)
	for _, rank := range []string{"0", "1"} {
		until(t, func() bool {
			return strings.Contains(content(filepath.Join(spec.Dir, "msrun_log", "worker_"+rank+".log")), "Training Model")
		},
			func() string { return "rank " + rank })
	}
	path, err := run.Dump(t.Context())
	require.NoError(t, err)
	files := unpack(t, path)
	answers := 0
	for name, text := range files {
		if strings.HasPrefix(name, "python-stacks/") {
			answers++
			require.Contains(t, text, "trainer.py", name)
		}
	}
	require.Equal(t, 3, answers, "the launcher and both ranks")
	require.Contains(t, files["logs/worker_0.log"], "Training Model")
	require.Contains(t, files["logs/worker_1.log"], "Training Model")
}
