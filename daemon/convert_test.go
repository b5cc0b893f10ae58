//go:build python

package daemon

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
	"ftd/checkpoint"
)

// conversion converts the weights in a directory.
const conversion = `
apiVersion: ftd/v1
name: conversion
vars: {weights: }
steps:
  - {id: it, uses: "KIND", isolation: "ISOLATION", with: {weights: "${weights}"}}
`

// convert submits a conversion, or another kind of step that takes weights.
func (h *house) convert(kind, isolation, weights string) *api.Job {
	h.t.Helper()
	text := strings.NewReplacer("KIND", kind, "ISOLATION", isolation).Replace(conversion)
	job, err := h.Submit(h.t.Context(), api.Submit{Text: text, Vars: map[string]string{"weights": weights}})
	require.NoError(h.t, err)
	return job
}

// mindformersHouse is a house whose Python has mindformers.
func mindformersHouse(t *testing.T) *house {
	t.Helper()
	env := os.Getenv("FTD_TEST_ENV")
	if found, _ := filepath.Glob(filepath.Join(env, "lib", "python*", "site-packages", "mindformers")); env == "" || len(found) == 0 {
		need(t, "FTD_TEST_ENV, an environment with MindSpore and mindformers")
	}
	return pythonHouse(t)
}

// llama writes the weights of a LLaMA without layers into a new directory:
// two tables of so many rows, all zero, which take no room on the disk.
func llama(t *testing.T, rows int) string {
	t.Helper()
	const hidden = 1024
	table := rows * hidden * 2
	entry := func(begin, end int, shape ...int) map[string]any {
		return map[string]any{"dtype": "F16", "shape": shape, "data_offsets": []int{begin, end}}
	}
	header, err := json.Marshal(map[string]any{
		"model.embed_tokens.weight": entry(0, table, rows, hidden),
		"model.norm.weight":         entry(table, table+2*hidden, hidden),
		"lm_head.weight":            entry(table+2*hidden, 2*table+2*hidden, rows, hidden),
	})
	require.NoError(t, err)
	dir := t.TempDir()
	path := filepath.Join(dir, "model.safetensors")
	text := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
	require.NoError(t, os.WriteFile(path, text, 0o644))
	require.NoError(t, os.Truncate(path, int64(len(text)+2*table+2*hidden)))
	config := fmt.Sprintf(`{"model_type": "llama", "hidden_size": %d, "num_attention_heads": 8, "num_hidden_layers": 0}`, hidden)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o644))
	return dir
}

// requireConverted requires that a conversion succeeded, and that its
// checkpoint is complete.
func (h *house) requireConverted(job *api.Job) {
	h.t.Helper()
	require.Equal(h.t, api.StateSucceeded, job.State, "%+v", job.Error)
	outputs := job.Steps[0].Outputs
	v, err := checkpoint.Verify(h.t.Context(), outputs["file"], checkpoint.Options{})
	require.NoError(h.t, err)
	require.True(h.t, v.Complete, v.Reason)
	require.Equal(h.t, "3", outputs["tensors_out"])
	require.Equal(h.t, "0", outputs["unmapped"])
}

func TestWeightsThatAreNone(t *testing.T) {
	t.Parallel()
	h := mindformersHouse(t)
	good := llama(t, 8)
	whole, err := os.ReadFile(filepath.Join(good, "model.safetensors"))
	require.NoError(t, err)
	pointer := "version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("ab", 32) + "\nsize 13476939516\n"
	for name, c := range map[string]struct {
		files map[string]string
		says  []string
	}{
		"LFS pointer": {
			map[string]string{"pytorch_model.bin": pointer},
			[]string{"pytorch_model.bin is a git LFS pointer", "13476939516 bytes"},
		},
		"web page": {
			map[string]string{"model.safetensors": "<!doctype html><html><body>Please log in</body></html>"},
			[]string{"model.safetensors is a web page"},
		},
		"truncated safetensors": {
			map[string]string{"model.safetensors": string(whole[:len(whole)-1000])},
			[]string{"cut off", strconv.Itoa(len(whole))},
		},
		"truncated bin": {
			map[string]string{"pytorch_model.bin": "PK\x03\x04" + strings.Repeat("\x00", 5000)},
			[]string{"pytorch_model.bin cannot be read: it is cut off"},
		},
		"missing shard": {
			map[string]string{"model.safetensors.index.json": `{"weight_map": {"lm_head.weight": "model-00002-of-00002.safetensors"}}`},
			[]string{"lacks 1 of the 1 files", "model-00002-of-00002.safetensors"},
		},
		"nothing": {nil, []string{"holds no weights"}},
	} {
		dir := t.TempDir()
		config, err := os.ReadFile(filepath.Join(good, "config.json"))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), config, 0o644))
		for file, text := range c.files {
			require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644))
		}
		for _, how := range [][2]string{{"convert", ""}, {"convert", "worker"}, {"merge", ""}} {
			job := h.wait(h.convert(how[0], how[1], dir).ID)
			require.Equal(t, api.StateFailed, job.State, "%s, %s", name, how)
			for _, words := range c.says {
				require.Contains(t, job.Error.Message, words, "%s, %s", name, how)
			}
			require.Equal(t, "data-invalid", job.Error.Code)
			require.NotEmpty(t, job.Error.Remedy)
		}
	}
	// The daemon is alive, and the next call right, here and there.
	h.requireConverted(h.wait(h.convert("convert", "", good).ID))
	require.NoError(t, os.WriteFile(filepath.Join(good, "another"), nil, 0o644)) // or the result would be there
	h.requireConverted(h.wait(h.convert("convert", "worker", good).ID))
}

// partial are the checkpoints that are being written, and finished those that
// look so.
func (h *house) partial() []string  { return h.found("base.ckpt.part") }
func (h *house) finished() []string { return h.found("base.ckpt") }

func (h *house) found(name string) []string {
	h.t.Helper()
	var paths []string
	for _, depth := range []string{"*", "*/*"} {
		found, err := filepath.Glob(filepath.Join(h.dir, "state", depth, name))
		require.NoError(h.t, err)
		paths = append(paths, found...)
	}
	return paths
}

func TestAConversionThatIsKilledLooksUnfinished(t *testing.T) {
	t.Parallel()
	h := mindformersHouse(t)
	weights := llama(t, 100_000) // 400 MB
	begun := func() bool { return len(h.partial()) > 0 }

	// A worker dies: the step fails, and what it wrote is gone.
	job := h.convert("convert", "worker", weights)
	require.Eventually(t, begun, waitLong, waitTick)
	require.NoError(t, syscall.Kill(h.worker(), syscall.SIGKILL))
	ended := h.wait(job.ID)
	require.Equal(t, api.StateFailed, ended.State)
	require.Contains(t, ended.Error.Message, "killed")
	require.Empty(t, h.partial())
	require.Empty(t, h.finished())

	// The daemon dies: the next one does the step again, in a worker.
	job = h.convert("convert", "", weights)
	require.Eventually(t, begun, waitLong, waitTick)
	h.end(syscall.SIGKILL)
	require.Empty(t, h.finished())
	h.start()
	h.requireConverted(h.wait(job.ID))
	require.Empty(t, h.partial())
	require.Len(t, h.finished(), 1)
}

// worker is the process in which the daemon runs a step.
func (h *house) worker() int {
	h.t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", h.daemon.Process.Pid))
	require.NoError(h.t, err)
	for _, task := range tasks {
		children, _ := os.ReadFile(task)
		for child := range strings.FieldsSeq(string(children)) {
			pid, err := strconv.Atoi(child)
			require.NoError(h.t, err)
			return pid
		}
	}
	h.t.Fatal("the daemon has no worker")
	return 0
}
