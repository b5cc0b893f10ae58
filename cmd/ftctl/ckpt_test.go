package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

const (
	ckptSamples = "../../testdata/checkpoints"
	goodCkpt    = ckptSamples + "/mf06-ms200-complete/llama_7b_lora_rank_0-1_100.ckpt"
	cutCkpt     = ckptSamples + "/damaged/cut-on-record-boundary_tiny_llama_rank_0-1_60.ckpt"
	crcCkpt     = ckptSamples + "/types/ms270-crc.ckpt"
	nanCkpt     = ckptSamples + "/types/ms270-nonfinite.ckpt"
)

// ckpt runs "ftctl ckpt ARGS".
func ckpt(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	root := newRootCommand()
	if found, _, err := root.Find([]string{"ckpt"}); err != nil || found.Name() != "ckpt" {
		c := newCkptCommand()
		prepare(c)
		add(root, groupFiles, c)
	}
	var out, talk bytes.Buffer
	args = append([]string{"ckpt"}, args...)
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(&talk)
	ran, err := root.ExecuteContextC(t.Context())
	if err != nil {
		printError(&talk, err, jsonErrors(ran, args), palette{})
	}
	return exitStatus(err), out.String(), talk.String()
}

// fields decodes one object.
func fields(t *testing.T, text string) map[string]any {
	t.Helper()
	var v map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &v), text)
	return v
}

func objects(t *testing.T, text string) []map[string]any {
	t.Helper()
	var v []map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &v), text)
	return v
}

// copySample puts a sample where a training would have put it.
func copySample(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o755))
	require.NoError(t, os.WriteFile(to, b, 0o600))
}

func TestCkptVerifyOneFileIsAnObject(t *testing.T) {
	status, out, talk := ckpt(t, "verify", "-o", "json", goodCkpt)
	require.Zero(t, status, talk)
	require.Empty(t, talk)
	v := fields(t, out)
	require.Equal(t, goodCkpt, v["path"])
	require.Equal(t, true, v["complete"])
	require.Equal(t, "ckpt", v["format"])
	require.EqualValues(t, 76, v["tensors"])
	require.EqualValues(t, 171447, v["bytes"])
	require.EqualValues(t, 1, v["epoch"])
	require.EqualValues(t, 100, v["step"])

	status, out, _ = ckpt(t, "verify", "-o", "json", crcCkpt)
	require.Zero(t, status)
	v = fields(t, out)
	for _, unknown := range []string{"epoch", "step"} {
		require.Contains(t, v, unknown)
		require.Nil(t, v[unknown])
	}
}

func TestCkptVerifyIncompleteIsStatus1(t *testing.T) {
	status, out, talk := ckpt(t, "verify", "-o", "json", cutCkpt)
	require.Equal(t, 1, status)
	require.Empty(t, talk, "the verdict is data, not an error")
	v := fields(t, out)
	require.Equal(t, false, v["complete"])
	require.Contains(t, v["reason"], "epoch_num")

	status, out, _ = ckpt(t, "verify", goodCkpt, cutCkpt)
	require.Equal(t, 1, status)
	require.Contains(t, out, "complete    "+goodCkpt+": ckpt, 76 tensors, 171 kB, epoch 1, step 100\n")
	require.Contains(t, out, "INCOMPLETE  "+cutCkpt+": has no epoch_num")
}

func TestCkptVerifySeveralIsAnArray(t *testing.T) {
	status, out, _ := ckpt(t, "verify", "-o", "json", goodCkpt, cutCkpt)
	require.Equal(t, 1, status)
	require.Len(t, objects(t, out), 2)

	status, out, _ = ckpt(t, "verify", "-o", "json", ckptSamples)
	require.Equal(t, 1, status)
	var paths []string
	for _, v := range objects(t, out) {
		paths = append(paths, v["path"].(string))
	}
	require.Contains(t, paths, goodCkpt)
	require.Contains(t, paths, cutCkpt)
	require.NotContains(t, strings.Join(paths, " "), "meta.json")

	dir := t.TempDir()
	copySample(t, crcCkpt, filepath.Join(dir, "a.ckpt"))
	status, out, _ = ckpt(t, "verify", "-o", "json", dir)
	require.Zero(t, status)
	require.Len(t, objects(t, out), 1, "a directory gives an array even if it has one")
}

func TestCkptVerifyMissingFile(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "x.ckpt")
	status, out, talk := ckpt(t, "verify", missing)
	require.Equal(t, exitNotFound, status)
	require.Empty(t, out)
	require.Contains(t, talk, missing+": there is no such file")

	// The others are verified all the same.
	status, out, talk = ckpt(t, "verify", "-o", "json", missing, goodCkpt)
	require.Equal(t, exitNotFound, status)
	require.Len(t, objects(t, out), 1)
	require.Equal(t, "not-found", fields(t, talk)["code"])

	// An incomplete one is what the exit status is about.
	status, _, talk = ckpt(t, "verify", missing, cutCkpt)
	require.Equal(t, exitFailed, status)
	require.Contains(t, talk, "there is no such file")

	status, _, talk = ckpt(t, "verify", t.TempDir())
	require.Equal(t, exitNotFound, status)
	require.Contains(t, talk, "there is no checkpoint in")
}

func TestCkptVerifyUsage(t *testing.T) {
	for _, args := range [][]string{{"verify"}, {"verify", "--nonsense", goodCkpt}, {"show"}, {"show", "a", "b"},
		{"diff", goodCkpt}, {"prune", ckptSamples}, {"prune", "--dry-run", ckptSamples}, {"ls", "--ranks", "-1", ckptSamples}, {"nonsense"}} {
		status, _, talk := ckpt(t, args...)
		require.Equal(t, exitUsage, status, "%v: %s", args, talk)
	}
}

func TestCkptVerifyDeep(t *testing.T) {
	status, out, _ := ckpt(t, "verify", "--deep", "-o", "json", crcCkpt)
	require.Zero(t, status)
	require.Equal(t, "ok", fields(t, out)["deep"].(map[string]any)["crc"])

	status, out, _ = ckpt(t, "verify", "--deep", nanCkpt)
	require.Zero(t, status)
	require.Contains(t, out, "not finite: 4 NaN, 5 Inf, first in f32, f16, f64, bf16")

	// A bit that flipped on the disk.
	bad := filepath.Join(t.TempDir(), "bad.ckpt")
	copySample(t, crcCkpt, bad)
	f, err := os.OpenFile(bad, os.O_RDWR, 0)
	require.NoError(t, err)
	_, err = f.WriteAt([]byte{0xff}, 40)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	status, _, _ = ckpt(t, "verify", bad)
	require.Zero(t, status)
	status, out, _ = ckpt(t, "verify", "--deep", bad)
	require.Equal(t, 1, status)
	require.Contains(t, out, "its bytes were changed after it was written")
	require.Contains(t, out, "CRC mismatch")
}

func TestCkptVerifyLike(t *testing.T) {
	b, err := os.ReadFile(crcCkpt)
	require.NoError(t, err)
	short := filepath.Join(t.TempDir(), "short.ckpt")
	require.NoError(t, os.WriteFile(short, b[:72], 0o600)) // one tensor
	status, _, _ := ckpt(t, "verify", short)
	require.Zero(t, status)
	status, out, _ := ckpt(t, "verify", "--like", crcCkpt, short)
	require.Equal(t, 1, status)
	require.Contains(t, out, "lacks 8 tensors")
}

func TestCkptShow(t *testing.T) {
	status, out, talk := ckpt(t, "show", "--deep", nanCkpt)
	require.Zero(t, status, talk)
	require.Regexp(t, `(?m)^f16 +Float16 +5 +10 B +1 +2$`, out)

	status, out, _ = ckpt(t, "show", "-o", "json", crcCkpt)
	require.Zero(t, status)
	v := fields(t, out)
	require.Equal(t, true, v["complete"])
	first := v["contents"].([]any)[0].(map[string]any)
	require.Equal(t, map[string]any{"name": "w32", "type": "Float32", "shape": []any{3.0, 4.0}, "bytes": 48.0}, first)

	status, out, _ = ckpt(t, "show", cutCkpt)
	require.Equal(t, 1, status)
	require.Contains(t, out, "INCOMPLETE")
	require.Contains(t, out, "model.tok_embeddings.embedding_weight", "what comes before the damage is shown")
}

// A job's checkpoints are listed with the loss of their step. Log and
// checkpoint are those of one real training.
func TestCkptLsOfAJob(t *testing.T) {
	h := newHouse(t)
	sample := func(path ...string) string {
		path = append([]string{"..", "..", "testdata"}, path...)
		absolute, err := filepath.Abs(filepath.Join(path...))
		require.NoError(t, err)
		return absolute
	}
	id := h.submit("sh", "-c", `cat "$0"; mkdir -p output/checkpoint/rank_0; cp "$1" output/checkpoint/rank_0/`,
		sample("logs", "mf160-llama-full-ok-branch.log"),
		sample("checkpoints", "mf160-ms270-complete-ckpt", "tiny_llama_rank_0-1_64.ckpt"))
	require.Equal(t, api.StateSucceeded, h.ended(id).State)

	out, talk, status := run(t, "--socket", h.socket, "ckpt", "ls", id[:20])
	t.Log(out)
	require.Zero(t, status, talk)
	require.Regexp(t, `(?m)^\* +64 +1 +5\.053 .* complete +tiny_llama-1_64.ckpt$`, out)
	out, _, status = run(t, "--socket", h.socket, "ckpt", "ls", "-o", "json", id)
	require.Zero(t, status)
	require.Contains(t, out, `"loss": 5.053`)

	_, talk, status = run(t, "--socket", h.socket, "ckpt", "ls", "no-such-job")
	require.Equal(t, 4, status)
	require.Contains(t, talk, "no-such-job")
	none := h.submit("true")
	h.ended(none)
	_, talk, status = run(t, "--socket", h.socket, "ckpt", "ls", none)
	require.Equal(t, 4, status)
	require.Contains(t, talk, "has no training checkpoint")
}

// A directory as two runs of two ranks leave it, the last save cut.
func TestCkptLsAndPrune(t *testing.T) {
	dir := t.TempDir()
	for rank := range 2 {
		for _, run := range []string{"", "_1"} {
			copySample(t, goodCkpt, filepath.Join(dir, fmt.Sprintf("rank_%d/llama_rank_%d%s-1_100.ckpt", rank, rank, run)))
		}
	}
	require.NoError(t, os.Truncate(filepath.Join(dir, "rank_1/llama_rank_1_1-1_100.ckpt"), 5000))

	status, out, talk := ckpt(t, "ls", "-o", "json", dir)
	require.Zero(t, status, talk)
	sets := objects(t, out)
	require.Len(t, sets, 2)
	status, out, _ = ckpt(t, "ls", dir)
	require.Zero(t, status)
	require.Regexp(t, `(?m)^\* +100 +1 +- +343 kB .* 2 +complete +llama-1_100.ckpt$`, out)
	require.Regexp(t, `(?m)^incomplete llama_1-1_100.ckpt: rank 1: cut off`, out)

	status, out, _ = ckpt(t, "ls", "--ranks", "3", dir)
	require.Zero(t, status)
	require.Contains(t, out, "rank 2 has none")
	require.Contains(t, out, "none can be resumed from")

	status, out, talk = ckpt(t, "prune", "--dry-run", "--newest", "1", dir)
	require.Zero(t, status, talk)
	require.Contains(t, out, "the newest that is verified")
	require.FileExists(t, filepath.Join(dir, "rank_0/llama_rank_0-1_100.ckpt"))

	status, _, talk = ckpt(t, "ls", t.TempDir())
	require.Equal(t, exitNotFound, status)
	require.Contains(t, talk, "there is no training checkpoint in")
}

func TestCkptDiff(t *testing.T) {
	status, out, _ := ckpt(t, "diff", "--deep", crcCkpt, ckptSamples+"/types/ms270-crc.safetensors")
	require.Zero(t, status, out)
	require.Contains(t, out, "9 tensors have the same type, shape and values")

	status, out, _ = ckpt(t, "diff", "-o", "json", crcCkpt, ckptSamples+"/types/ms270-bf16.ckpt")
	require.Equal(t, 1, status)
	d := fields(t, out)
	require.EqualValues(t, 9, d["same"])
	require.Equal(t, []any{"bf"}, d["only_b"])
	require.Equal(t, []any{}, d["only_a"])

	status, _, talk := ckpt(t, "diff", "-o", "json", crcCkpt, cutCkpt)
	require.Equal(t, 1, status)
	require.Equal(t, "checkpoint-incomplete", fields(t, talk)["code"])
	require.Contains(t, talk, "has no epoch_num")
}
