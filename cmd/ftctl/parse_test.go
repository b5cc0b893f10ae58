package main

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/logparse"
)

const (
	goodLog = "../../testdata/logs/mf160-llama-full-ok-branch.log"
	badLog  = "../../testdata/logs/mf06-llama-lora-dataset-missing.log"
)

// parse runs "ftctl parse ARGS" with the given stdin.
func parse(t *testing.T, in string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	t.Setenv("LC_ALL", "C")
	root := newRootCommand()
	if found, _, err := root.Find([]string{"parse"}); err != nil || found.Name() != "parse" {
		add(root, groupFiles, newParseCommand())
	}
	var out, talk bytes.Buffer
	args = append([]string{"parse"}, args...)
	root.SetArgs(args)
	root.SetIn(strings.NewReader(in))
	root.SetOut(&out)
	root.SetErr(&talk)
	ran, err := root.ExecuteContextC(t.Context())
	if err != nil {
		printError(&talk, err, jsonErrors(ran, args), palette{})
	}
	return exitStatus(err), out.String(), talk.String()
}

func TestParseSummaryObject(t *testing.T) {
	status, out, talk := parse(t, "", "-o", "json", "--summary", goodLog)
	require.Zero(t, status, talk)
	var got map[string]any
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	require.Equal(t, goodLog, got["file"])
	require.EqualValues(t, 64, got["steps"])
	require.EqualValues(t, 4, got["checkpoints"])
	require.Equal(t, true, got["completed"])
	require.Equal(t, true, got["compile_started"])
	require.Equal(t, []any{}, got["errors"])
	last := got["last_step"].(map[string]any)
	for _, field := range []string{"epoch", "step", "total", "loss", "lr", "step_ms", "overflow", "loss_scale"} {
		require.Contains(t, last, field)
	}
	require.EqualValues(t, 5.053, last["loss"])
}

func TestParseSummaryArray(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.log")
	status, out, talk := parse(t, "", "-o", "json", "--summary", goodLog, missing, badLog)
	require.Equal(t, exitFailed, status)
	require.Contains(t, talk, `"code":"missing"`)
	var got []map[string]any
	require.NoError(t, json.Unmarshal([]byte(out), &got), out)
	require.Len(t, got, 3)
	require.EqualValues(t, 64, got[0]["steps"])
	require.Equal(t, "missing", got[1]["error"].(map[string]any)["code"])
	errors := got[2]["errors"].([]any)
	require.Len(t, errors, 1)
	require.Equal(t, "dataset-empty", errors[0].(map[string]any)["signature"])
}

func TestParseSummaryWords(t *testing.T) {
	status, out, _ := parse(t, "", "--summary", goodLog, badLog,
		"../../testdata/logs/mf160-msrun2-worker1-killed-launcher.log", "../../testdata/logs/mf160-llama-diverged-lr1e30.log")
	require.Zero(t, status)
	golden(t, "parse-summary.txt", out)
	t.Setenv("LC_ALL", "zh_CN.UTF-8")
	require.Equal(t, "zh_CN.UTF-8", locale())
}

// Of several ranks that tell of errors it says which one was the first.
func TestParseSummaryNamesTheFirstCause(t *testing.T) {
	dir := t.TempDir()
	rank := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	waits := rank("worker_0.log", "[ERROR] X(1,7f,p):2026-03-01-12:00:01.000.000 [a.cc:1] F] EI0006: Getting socket times out\n")
	fails := rank("worker_1.log", "[ERROR] X(1,7f,p):2026-03-01-12:00:09.000.000 [a.cc:1] F] Memory not enough: x\n")
	clean := rank("worker_2.log", "[WARNING] X(1,7f,p):2026-03-01-12:00:09.000.000 [a.cc:1] F] x\n")
	status, out, talk := parse(t, "", "--summary", waits, fails, clean)
	require.Zero(t, status, talk)
	require.Contains(t, out, "first cause  device-oom in "+fails+", line 1;")
	_, out, _ = parse(t, "", "--summary", clean, fails)
	require.NotContains(t, out, "first cause")

	// A worker that was killed says nothing itself; its launcher does, and the scheduler.
	launcher := rank("msrun.log", "[ERROR] ME(1:2,MainProcess):2026-03-01-12:00:09.0 [a.py:1] Worker process 7 exit with exception. Error code: -9.\n")
	scheduler := rank("scheduler.log", "[ERROR] X(1,7f,p):2026-03-01-12:00:05.000.000 [a.cc:1] F] The node: 0 is timed out. It may exit with exception\n")
	_, out, _ = parse(t, "", "--summary", scheduler, launcher, clean)
	require.Contains(t, out, "first cause  worker-failed in "+launcher+", line 1;")
}

// What a script could do without is a note where the training ran, and the
// error where there is nothing else.
func TestParseSummaryOfAScriptThatLacksACommand(t *testing.T) {
	lacks := "start.sh: line 3: npu-smi: command not found\n"
	path := filepath.Join(t.TempDir(), "log")
	ran, err := os.ReadFile(goodLog)
	require.NoError(t, err)
	for log, says := range map[string]string{lacks: "error", lacks + string(ran): "note ", lacks + "OSError: No space left on device\n": "follows"} {
		require.NoError(t, os.WriteFile(path, []byte(log), 0o600))
		_, out, _ := parse(t, "", "--summary", path)
		require.Regexp(t, "(?m)^"+says+" +tool-missing, line 1$", out)
	}
}

func TestParseRecords(t *testing.T) {
	status, out, _ := parse(t, "", goodLog)
	require.Zero(t, status)
	kinds := map[string]int{}
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		var r struct{ Kind string }
		require.NoError(t, json.Unmarshal([]byte(line), &r), line)
		kinds[r.Kind]++
	}
	require.Equal(t, map[string]int{"step": 64, "progress": 64, "phase": 13, "save": 8, "end": 1, "setting": 6}, kinds)

	_, out, _ = parse(t, "", "-o", "json", goodLog)
	var object struct {
		File    string
		Records []map[string]any
	}
	require.NoError(t, json.Unmarshal([]byte(out), &object))
	require.Len(t, object.Records, 156)
	require.Equal(t, goodLog, object.File)

	_, out, _ = parse(t, "", "-o", "json", goodLog, "/no/such/file", badLog)
	var objects []map[string]any
	require.NoError(t, json.Unmarshal([]byte(out), &objects), out)
	require.Len(t, objects, 3)
	require.Contains(t, objects[1], "error")
}

func TestParseSteps(t *testing.T) {
	for _, flag := range []string{"--csv", "-ocsv"} {
		status, out, talk := parse(t, "", flag, goodLog)
		require.Zero(t, status, talk)
		rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		require.NoError(t, err)
		require.Len(t, rows, 65)
		require.Equal(t, stepColumns, rows[0])
		require.Equal(t, []string{"375", "2026-11-23T12:15:57.436", "1", "1", "64", "1", "6.909", "6.909", "0"}, rows[1][:9])
	}
	_, out, _ := parse(t, "", "--csv", goodLog, badLog)
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, "file", rows[0][0])
	require.Equal(t, goodLog, rows[64][0])
}

func TestParsePlot(t *testing.T) {
	status, out, _ := parse(t, "", "--plot", goodLog)
	require.Zero(t, status)
	golden(t, "parse-plot.txt", out)
}

// A curve of any length keeps its shape in bounded memory.
func TestCurve(t *testing.T) {
	k := newCurve()
	const n = 100_000
	for i := range n {
		k.add(&logparse.Record{Kind: logparse.KindStep, Step: logparse.Step{Step: int64(i), Loss: float64(i)}})
	}
	require.LessOrEqual(t, len(k.points), curvePoints)
	require.Greater(t, len(k.points), curvePoints/4)
	for i, p := range k.points {
		require.EqualValues(t, int64(i)*k.every, p.GlobalStep)
	}
}

func TestParseStdinAndGzip(t *testing.T) {
	data, err := os.ReadFile(goodLog)
	require.NoError(t, err)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err = z.Write(data)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	for _, args := range [][]string{{"-"}, {}} {
		for _, in := range []string{string(data), packed.String()} {
			status, out, talk := parse(t, in, append(args, "--summary", "-o", "json")...)
			require.Zero(t, status, talk)
			require.Contains(t, out, `"steps":64`)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	require.NoError(t, os.Symlink("loop", filepath.Join(dir, "loop")))
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write(bytes.Repeat([]byte("2026-11-23 12:15:57,439 - mindformers - INFO - something\n"), 1000))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	for name, c := range map[string]struct {
		args   []string
		status int
		says   string
	}{
		"missing":     {[]string{filepath.Join(dir, "none")}, exitFailed, "there is no such file"},
		"directory":   {[]string{dir}, exitFailed, "is a directory"},
		"empty":       {[]string{file("empty", "")}, exitFailed, "is empty"},
		"binary":      {[]string{file("binary", "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03\x00>\x00\x01\x00\x00")}, exitFailed, "is a binary file"},
		"zip":         {[]string{file("zip", "PK\x03\x04 and so on")}, exitFailed, "is a zip file"},
		"text":        {[]string{file("text", "# A README\n\nIt is no log.\n")}, exitFailed, "is not a training log"},
		"cut gzip":    {[]string{file("cut.gz", packed.String()[:packed.Len()/2])}, exitFailed, "damaged or cut short"},
		"loop":        {[]string{filepath.Join(dir, "loop")}, exitFailed, "leads back to itself"},
		"two views":   {[]string{"--csv", "--plot", goodLog}, exitUsage, "three ways"},
		"unknown":     {[]string{"--nonsense", goodLog}, exitUsage, "nonsense"},
		"json csv":    {[]string{"--csv", "-o", "json", goodLog}, exitUsage, "cannot be had as json"},
		"summary csv": {[]string{"--summary", "-o", "csv", goodLog}, exitUsage, "cannot be had as csv"},
		"signatures":  {[]string{"--signatures", file("rows", "- id: x\n"), goodLog}, exitUsage, "cause and remedy"},
	} {
		t.Run(name, func(t *testing.T) {
			status, out, talk := parse(t, "", c.args...)
			require.Equal(t, c.status, status, talk)
			require.Contains(t, talk, c.says)
			require.NotContains(t, talk, "daemon", "what is wrong with a file has nothing to do with it")
			require.Empty(t, out)
		})
	}
}

func TestParseOwnSignatures(t *testing.T) {
	rows := filepath.Join(t.TempDir(), "rows.yaml")
	require.NoError(t, os.WriteFile(rows, []byte("- id: our-proxy\n  literals: [\"proxy refused\"]\n  cause: the proxy\n  remedy: ask us\n"), 0o600))
	status, out, talk := parse(t, "Traceback (most recent call last):\n  File \"x\", line 1\nOSError: proxy refused\n",
		"--signatures", rows, "--summary", "-o", "json")
	require.Zero(t, status, talk)
	require.Contains(t, out, `"signature":"our-proxy"`)
}
