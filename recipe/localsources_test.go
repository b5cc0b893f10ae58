package recipe

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/recipe/fetch"
	"ftd/recipe/internal/mirror"
	"ftd/recipe/unpack"
)

// clonedFrom is a checkout of a person's.
func clonedFrom(t *testing.T, repository, commit, dir string) {
	t.Helper()
	for _, args := range [][]string{{"clone", "--quiet", repository, dir}, {"-C", dir, "checkout", "--quiet", commit}} {
		out, err := exec.Command("git", args...).CombinedOutput()
		require.NoError(t, err, string(out))
	}
}

// kept writes files below dir.
func kept(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	for name, content := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	}
	return dir
}

// ranAll says that every step of a recipe ran, but for those left out.
func (h *memoryHost) ranAll(r *Recipe, leftOut ...string) {
	h.t.Helper()
	for _, step := range r.Steps {
		want := StepSucceeded
		for _, id := range leftOut {
			if step.ID == id {
				want = StepSkipped
			}
		}
		require.Equal(h.t, want, h.steps[step.ID].State, step.ID)
	}
}

// All that LLaMA needs is on this machine: a checkout, the unpacked data, the
// weights as a directory, and the tokenizer in the home directory.
func TestTheRecipeForLlamaRunsFromPathsOnly(t *testing.T) {
	mindspore(t)
	h := newHost(t)
	weights, tokenizer := hub(t, h, "llama")
	home := t.TempDir()
	t.Setenv("HOME", home)
	data, err := readSource("builtin:data/alpaca-tiny.json")
	require.NoError(t, err)
	kept(t, home, map[string]string{"tokenizer.model": read(t, tokenizer)})
	kept(t, h.dir, map[string]string{"alpaca-cleaned/alpaca_data_cleaned.json": string(data)})
	repository, commit := checkoutOf(t, h, map[string]string{"configs/llama/run_llama_7b_lora.yaml": tinyConfig(t, h)})
	clonedFrom(t, repository, commit, filepath.Join(h.dir, "mindformers"))
	r, err := Load("llama-7b-lora")
	require.NoError(t, err)
	vars := map[string]string{
		"mindformers": "mindformers/", "data": "./alpaca-cleaned", "tokenizer": "~/tokenizer.model",
		"tokenizer_size": fmt.Sprint(len(read(t, tokenizer))), "tokenizer_sha256": "",
		"checkpoint": "", "weights": "file://" + weights, "seq_length": "128", "batch_size": "8", "dtype": "",
	}
	plans, err := Preview(t.Context(), job(h, r, vars), h, h.settings())
	require.NoError(t, err)
	for _, p := range plans {
		require.Nil(t, p.Problem, p.ID)
		require.Empty(t, p.Downloads, p.ID)
	}
	h.run(job(h, r, vars))
	h.ranAll(r, "checkout", "second")
	require.Greater(t, len(h.losses()), 10)
	require.NotEmpty(t, h.steps["train"].Outputs["checkpoint"])

	// A checkpoint of one's own, relative to where one is: nothing else is needed.
	require.NoError(t, os.Symlink(h.steps["convert"].Outputs["file"], filepath.Join(h.dir, "mine.ckpt")))
	vars["checkpoint"], vars["weights"] = "mine.ckpt", ""
	r.Steps = r.Steps[:len(r.Steps)-1]
	h.run(job(h, r, vars))
	require.Contains(t, read(t, h.steps["config"].Outputs["file"]), "load_checkpoint: '"+filepath.Join(h.dir, "mine.ckpt")+"'")
}

// All that ChatGLM needs is on this machine.
func TestTheRecipeForChatGLMRunsFromPathsOnly(t *testing.T) {
	mindspore(t)
	h := newHost(t)
	weights, tokenizer := hub(t, h, "glm")
	kept(t, weights, map[string]string{"ice_text.model": read(t, tokenizer)})
	const line = `{"content": "类型#裙*风格#复古", "summary": "复古的裙子。"}` + "\n"
	kept(t, filepath.Join(h.dir, "AdvertiseGen"), map[string]string{"train.json": strings.Repeat(line, 40), "dev.json": line})
	repository, commit, _ := glmCheckout(t, h)
	clonedFrom(t, repository, commit, filepath.Join(h.dir, "mindformers"))
	r, err := Load("chatglm-6b-lora")
	require.NoError(t, err)
	vars := map[string]string{"mindformers": "mindformers", "model": weights, "weights": "", "weights_mirror": "", "data": "AdvertiseGen", "batch_size": "2"}
	plans, err := Preview(t.Context(), job(h, r, vars), h, h.settings())
	require.NoError(t, err)
	for _, p := range plans {
		require.Nil(t, p.Problem, p.ID)
		require.Empty(t, p.Downloads, p.ID)
	}
	h.run(job(h, r, vars))
	h.ranAll(r, "checkout", "model")
	require.Equal(t, weights, h.steps["weights"].Outputs["dir"], "nothing was copied")
	require.NotEmpty(t, h.losses())
}

// until are the steps of a recipe that need no Python.
func until(t *testing.T, recipe string, ids ...string) *Recipe {
	t.Helper()
	r, err := Load(recipe)
	require.NoError(t, err)
	var steps []Step
	for _, step := range r.Steps {
		for _, id := range ids {
			if step.ID == id {
				steps = append(steps, step)
			}
		}
	}
	require.Len(t, steps, len(ids))
	r.Steps = steps
	return r
}

// Each source may be an archive, a directory or the file, and a path may be
// written in each way. What cannot be used is told what it should be.
func TestSourcesOnThisMachine(t *testing.T) {
	h := newHost(t)
	t.Setenv("HOME", h.dir)
	const line = `{"content": "a", "summary": "b"}` + "\n"
	adgen := map[string]string{"AdvertiseGen/train.json": line, "AdvertiseGen/dev.json": line, "__MACOSX/AdvertiseGen/._train.json": "x"}
	model := kept(t, filepath.Join(h.dir, "llama-7b-hf"), map[string]string{"config.json": "{}", "pytorch_model.bin": "weights", "tokenizer.model": "pieces"})
	kept(t, h.dir, map[string]string{
		"a/alpaca.zip": string(zipped(t, map[string]string{"x/alpaca.json": rows})), "a/alpaca.json": rows, "a/d/alpaca.json": rows,
		"a/data.tar.xz": string(tarXz(t, adgen)), "a/data.zip": string(zipped(t, adgen)),
		"a/weights.zip": string(zipped(t, map[string]string{"llama-7b-hf/config.json": "{}", "llama-7b-hf/pytorch_model.bin": "weights"})),
		"a/b c.zip":     string(zipped(t, map[string]string{"x/alpaca.json": rows})),
	})
	kept(t, filepath.Join(h.dir, "a"), adgen)
	llama := until(t, "llama-7b-lora", "data", "alpaca", "tokenizer", "weights", "hf")
	given := func(vars map[string]string) map[string]string {
		all := map[string]string{
			"checkpoint": "", "data": "a/alpaca.json", "tokenizer": "llama-7b-hf/tokenizer.model", "tokenizer_size": "6", "tokenizer_sha256": mirror.Sum([]byte("pieces")), "weights": model,
		}
		for name, value := range vars {
			all[name] = value
		}
		return all
	}
	for _, path := range []string{"a/alpaca.json", "./a/alpaca.zip", "~/a/d", filepath.Join(h.dir, "a", "d"), "file://" + h.dir + "/a/alpaca.zip", "file://localhost" + h.dir + "/a/b%20c.zip"} {
		h.run(job(h, llama, given(map[string]string{"data": path})))
		require.Equal(t, rows, read(t, h.steps["alpaca"].Outputs["file"]), path)
	}
	for _, path := range []string{model, "a/weights.zip", "~/llama-7b-hf/"} {
		h.run(job(h, llama, given(map[string]string{"weights": path})))
		require.Equal(t, "weights", read(t, filepath.Join(h.steps["hf"].Outputs["dir"], "pytorch_model.bin")), path)
	}
	h.run(job(h, llama, given(map[string]string{"tokenizer": "llama-7b-hf"})))
	require.Equal(t, "pieces", read(t, h.steps["tokenizer"].Outputs["file"]), "it is in the directory")
	h.run(job(h, llama, given(map[string]string{"data": "", "data_mirror": "a/alpaca.zip"})))
	require.Equal(t, rows, read(t, h.steps["alpaca"].Outputs["file"]), "a mirror may be a path too")

	for _, c := range []struct {
		name, value, code string
		says              []string
	}{
		{"data", "a/none.zip", CodeData, []string{filepath.Join(h.dir, "a", "none.zip"), "no such file"}},
		{"data", "file://elsewhere/a.zip", CodeData, []string{"no such file"}},
		{"data", "a/AdvertiseGen", CodeData, []string{"holds 2 files *.json"}},
		{"tokenizer", "a/d", fetch.CodeNotFound, []string{"a directory without tokenizer.model", "name the file"}},
		{"tokenizer", "a/alpaca.json", fetch.CodeChecksum, []string{"instead of 6"}},
		{"weights", "llama-7b-hf/pytorch_model.bin", unpack.CodeFormat, []string{"no archive", "or name the directory"}},
	} {
		p := h.fails(job(h, llama, given(map[string]string{c.name: c.value})))
		require.Equal(t, c.code, p.Code, p.Error())
		for _, says := range c.says {
			require.Contains(t, p.Error(), says)
		}
	}

	glm := until(t, "chatglm-6b-lora", "data", "adgen")
	for _, path := range []string{"a/data.tar.xz", "a/data.zip", "a/AdvertiseGen"} {
		h.run(job(h, glm, map[string]string{"data": path}))
		require.Equal(t, line, read(t, filepath.Join(h.steps["adgen"].Outputs["dir"], "train.json")), path)
	}
	require.Contains(t, h.fails(job(h, glm, map[string]string{"data": "a/AdvertiseGen/train.json"})).Error(), "or name the directory")
}

// A hub's directory has the pointers or the files; those may lie in another one.
func TestAHubOnThisMachine(t *testing.T) {
	h := newHost(t)
	large := map[string]string{"ice_text.model": "pieces", "pytorch_model-00001-of-00001.bin": "weights"}
	pointers := map[string]string{"config.json": "{}"}
	for name, content := range large {
		pointers[name] = fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n", mirror.Sum([]byte(content)), len(content))
	}
	kept(t, filepath.Join(h.dir, "pointers"), pointers)
	kept(t, filepath.Join(h.dir, "large"), large)
	kept(t, filepath.Join(h.dir, "whole"), large)
	kept(t, filepath.Join(h.dir, "whole"), map[string]string{"config.json": "{}"})
	repository, commit := published(t, pointers)
	r := until(t, "chatglm-6b-lora", "model", "tokenizer", "weights")
	for _, vars := range []map[string]string{
		{"model": "pointers", "weights": "large"},
		{"model": "pointers/", "weights": "./whole"},
		{"model": "whole", "weights": ""},
		{"model": "pointers", "weights": "none", "weights_mirror": "large"},
		{"model_repository": repository, "model_commit": commit, "weights": "file://" + h.dir + "/large"},
		{"model_repository": "file://" + repository, "model_commit": commit, "weights": "large"},
	} {
		h.run(job(h, r, vars))
		require.Equal(t, "weights", read(t, filepath.Join(h.steps["weights"].Outputs["dir"], "pytorch_model-00001-of-00001.bin")), vars)
		require.Equal(t, "pieces", read(t, filepath.Join(h.steps["tokenizer"].Outputs["dir"], "ice_text.model")), vars)
		require.Equal(t, "{}", read(t, filepath.Join(h.steps["weights"].Outputs["dir"], "config.json")), vars)
	}
	h.contents = map[string]string{}
	h.results = map[string]map[string]string{}
	for says, vars := range map[string]map[string]string{
		"is a Git LFS pointer itself":                                                       {"model": "pointers", "weights": "pointers", "weights_mirror": ""},
		"nothing says where":                                                                {"model": "pointers", "weights": "", "weights_mirror": ""},
		filepath.Join(h.dir, "none") + " (parameter \"dir\")":                               {"model": "none"},
		"name the repository, a mirror of it, or a directory":                               {"model": "pointers", "weights": "", "weights_mirror": ""},
		filepath.Join(h.dir, "nowhere", "ice_text.model") + " cannot be read: no such file": {"model": "pointers", "weights": "nowhere", "weights_mirror": ""},
	} {
		require.Contains(t, h.fails(job(h, r, vars)).Error(), says)
	}
}
