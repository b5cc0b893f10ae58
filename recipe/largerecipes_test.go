package recipe

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/ulikunitz/xz"

	"ftd/launcher"
	"ftd/recipe/internal/mirror"
)

// shards splits weights as hubs do: two .bin files with an index.
const shardsModule = `
import json, os
from safetensors.numpy import load_file
from torchwriter import save

def split(file, directory):
    tensors = load_file(file)
    names = sorted(tensors)
    index = {}
    for number, part in enumerate((names[: len(names) // 2], names[len(names) // 2 :]), start=1):
        name = "pytorch_model-%05d-of-00002.bin" % number
        save(os.path.join(directory, name), {key: tensors[key] for key in part})
        index.update({key: name for key in part})
    with open(os.path.join(directory, "pytorch_model.bin.index.json"), "w") as out:
        json.dump({"metadata": {}, "weight_map": index}, out)
`

// widenModule moves the marks of a ChatGLM to where the tokenizer of the 6B model
// has them: KeyWordGenDataset of mindformers 0.8 counts on their numbers.
const widenModule = `
import os
from sentencepiece import sentencepiece_model_pb2

def widen(file, directory):
    model = sentencepiece_model_pb2.ModelProto()
    with open(file, "rb") as source:
        model.ParseFromString(source.read())
    marks = [model.pieces[number].piece for number in range(4, 10)]
    for number in range(4, 10):
        model.pieces[number].piece = "<moved_%d>" % number
    names = ["<none_%d>" % number for number in range(len(model.pieces), 130000)] + marks
    for name in names:
        piece = model.pieces.add()
        piece.piece, piece.type = name, sentencepiece_model_pb2.ModelProto.SentencePiece.CONTROL
    path = os.path.join(directory, "ice_text.model")
    with open(path, "wb") as target:
        target.write(model.SerializeToString())
    return path
`

// hub makes a model of a few thousand numbers in the layout of a hub: config,
// two shards and an index, and a tokenizer.
func hub(t *testing.T, h *memoryHost, family string) (dir, tokenizer string) {
	t.Helper()
	tests, err := filepath.Abs("py/tests")
	require.NoError(t, err)
	dir = t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(h.dir, "shards.py"), []byte(shardsModule), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(h.dir, "wide.py"), []byte(widenModule), 0o644))
	learnt, widened, vocabulary := `{conversations: "${steps.conversations.outputs.file}", vocab_size: 1000}`, "", "1000"
	if family == "glm" {
		widened, vocabulary = `
  - {id: wide, uses: python, with: {module: wide, function: widen, path: ["${job.dir}"], args: {file: "${steps.tokenizer.outputs.file}", directory: "${job.dir}"}}}`, "130006"
		learnt = `{adgen: "${steps.adgen.outputs.file}", vocab_size: 800, family: glm}`
	}
	h.run(job(h, parsed(t, `
steps:
  - {id: data, uses: data, with: {source: builtin:data/alpaca-tiny.json}}
  - {id: adgen, uses: data, with: {source: builtin:data/adgen-tiny.json}}
  - {id: conversations, uses: conversations, with: {data: "${steps.data.outputs.file}"}}
  - {id: tokenizer, uses: tokenizer, with: `+learnt+`}`+widened+`
  - {id: weights, uses: weights, with: {family: `+family+`, vocab_size: `+vocabulary+`, hidden_size: 64, intermediate_size: 128, layers: 2, heads: 4, max_positions: 128}}
  - {id: split, uses: python, with: {module: shards, function: split, path: ["${job.dir}", "`+tests+`"], args: {file: "${steps.weights.outputs.file}", directory: "`+dir+`"}}}
`), nil))
	config := read(t, filepath.Join(h.steps["weights"].Outputs["dir"], "config.json"))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o644))
	if widened != "" {
		return dir, h.steps["wide"].Outputs["result"]
	}
	return dir, h.steps["tokenizer"].Outputs["file"]
}

// published makes a bare repository of files, and of directories as they are.
func published(t *testing.T, files map[string]string, trees ...string) (repository, commit string) {
	t.Helper()
	tree := t.TempDir()
	for _, path := range trees {
		require.NoError(t, os.CopyFS(filepath.Join(tree, filepath.Base(path)), os.DirFS(path)))
	}
	for name, content := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(tree, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(tree, name), []byte(content), 0o644))
	}
	git := func(args ...string) string {
		out, err := exec.Command("git", append([]string{"-C", tree, "-c", "user.name=x", "-c", "user.email=x@x.example", "-c", "commit.gpgsign=false"}, args...)...).CombinedOutput()
		require.NoError(t, err, string(out))
		return strings.TrimSpace(string(out))
	}
	git("init", "--quiet")
	git("add", ".")
	git("commit", "--quiet", "-m", "published")
	repository = filepath.Join(t.TempDir(), "published.git")
	git("clone", "--quiet", "--bare", ".", repository)
	return repository, git("rev-parse", "HEAD")
}

// checkoutTrainer stands for run_mindformer.py where the installed mindformers is a
// wheel: it trains the config with it.
const checkoutTrainer = `
import argparse
from ftd_train import wheel
options = argparse.ArgumentParser()
options.add_argument("--config")
options.add_argument("--run_mode")
given = vars(options.parse_args())
(wheel.train_1x if wheel.is_1x() else wheel.train_0x)(**given)
`

// checkoutOf publishes the installed mindformers as its checkout would be.
func checkoutOf(t *testing.T, h *memoryHost, files map[string]string) (repository, commit string) {
	t.Helper()
	installed := findMindformers(&StepContext{Settings: h.settings(), With: map[string]any{}})
	files["run_mindformer.py"] = checkoutTrainer
	files["setup.py"] = "from setuptools import setup\nsetup(name='mindformers',\n      version='" + installed.version + "',\n)\n"
	files[".gitignore"] = "__pycache__\n"
	return published(t, files, installed.dir, filepath.Join(filepath.Dir(installed.dir), "configs"))
}

// tinyConfig is the config of tiny-llama, as the one that a checkout brings.
func tinyConfig(t *testing.T, h *memoryHost) string {
	t.Helper()
	s := &StepContext{Settings: h.settings(), With: map[string]any{}}
	return withoutMonitor(t, findMindformers(s).laidOut("builtin:configs/run_tiny_llama_lora.yaml"))
}

// withoutMonitor is a config that comes with ftd, without WeightsMonitor.
func withoutMonitor(t *testing.T, name string) string {
	t.Helper()
	text, err := readSource(name)
	require.NoError(t, err)
	// The checkpoint that WeightsMonitor compares with is known only later.
	entry := regexp.MustCompile(`(?m)^  - type: WeightsMonitor\n(    .*\n)*`)
	require.Regexp(t, entry, string(text))
	return entry.ReplaceAllString(string(text), "")
}

func TestTheRecipeForLlamaRunsFromAMirror(t *testing.T) {
	mindspore(t)
	m, h := mirror.New(t), newHost(t)
	weights, tokenizer := hub(t, h, "llama")
	files := map[string]string{}
	entries, err := os.ReadDir(weights)
	require.NoError(t, err)
	for _, e := range entries {
		files["llama-7b-hf/"+e.Name()] = read(t, filepath.Join(weights, e.Name()))
	}
	data, err := readSource("builtin:data/alpaca-tiny.json")
	require.NoError(t, err)
	m.Add("/alpaca.zip", zipped(t, map[string]string{"alpaca-cleaned/alpaca_data_cleaned.json": string(data)}), mirror.BreakOff(1, 2000))
	m.Add("/expired.zip", nil, mirror.Expired())
	m.Add("/login.zip", nil, mirror.Login())
	m.Add("/llama-7b-hf.zip", zipped(t, files), mirror.Busy(1))
	m.Add("/tokenizer.model", []byte(read(t, tokenizer)))
	repository, commit := checkoutOf(t, h, map[string]string{"configs/llama/run_llama_7b_lora.yaml": tinyConfig(t, h)})
	r, err := Load("llama-7b-lora")
	require.NoError(t, err)
	vars := map[string]string{
		"mindformers_repository": m.URL + "/no/such/mindformers.git", "mindformers_mirror": repository, "mindformers_commit": commit,
		"data": m.URL + "/expired.zip", "data_mirror": m.URL + "/alpaca.zip",
		"tokenizer": m.URL + "/tokenizer.model", "tokenizer_size": fmt.Sprint(len(read(t, tokenizer))), "tokenizer_sha256": mirror.Sum([]byte(read(t, tokenizer))),
		"checkpoint": "", "weights": m.URL + "/login.zip", "weights_mirror": m.URL + "/llama-7b-hf.zip",
		"weights_size": "1000000", // what is published here: the real ones may not fit on this machine
		"seq_length":   "128", "batch_size": "8", "dtype": "",
		"second_python": h.python,
	}
	secondPackages(t, h)
	plans, err := Preview(t.Context(), job(h, r, vars), h, h.settings())
	require.NoError(t, err)
	require.Len(t, plans, len(r.Steps))
	for _, p := range plans {
		require.Nil(t, p.Problem, p.ID)
	}
	require.Empty(t, m.Requests(""))

	h.run(job(h, r, vars))
	for _, step := range r.Steps {
		require.Equal(t, StepSucceeded, h.steps[step.ID].State, step.ID)
	}
	second := h.steps["second"].Outputs["prefix"]
	require.Equal(t, h.settings().Environments, filepath.Dir(second))
	run, err := launcher.Open(filepath.Join(h.attempt("mindrecord").Dir, "python"))
	require.NoError(t, err)
	require.Equal(t, filepath.Join(second, "bin", "python"), run.Spec().Command[0], "rows are made in the second environment")
	require.NotEmpty(t, h.steps["train"].Outputs["checkpoint"])
	require.Greater(t, len(h.losses()), 10)
	config := read(t, h.steps["config"].Outputs["file"])
	require.Contains(t, config, h.steps["convert"].Outputs["file"])

	// With a checkpoint the weights are not asked for, and what is there is not fetched again.
	vars["checkpoint"] = h.steps["convert"].Outputs["file"]
	plans, err = Preview(t.Context(), job(h, r, vars), h, h.settings())
	require.NoError(t, err)
	for _, p := range plans {
		out := p.ID == "weights" || p.ID == "hf" || p.ID == "convert"
		require.Equal(t, out, p.LeftOut, p.ID)
		// What is made in an environment is known when that was looked at.
		asked := p.ID == "second" || slices.Contains(p.After, "second.prefix") || slices.Contains(p.After, "mindrecord.file") || p.ID == "train"
		require.Equal(t, !out && !asked, p.Cached, p.ID)
		if p.ID == "second" {
			require.Equal(t, "look at the environment "+second, p.Summary, "it is as it must be")
		}
	}
}

// secondPackages lets pip find the packages of the second environment: they
// lead to those of the first, since MindSpore is too large to install it again.
func secondPackages(t *testing.T, h *memoryHost) {
	t.Helper()
	sites, err := filepath.Glob(filepath.Join(h.settings().Env, "lib", "python*", "site-packages"))
	require.NoError(t, err)
	require.Len(t, sites, 1)
	wheels := t.TempDir()
	for _, name := range []string{"mindspore", "decorator", "sentencepiece"} {
		info := name + "-99.dist-info/"
		content := zipped(t, map[string]string{
			"of_" + name + ".pth": sites[0] + "\n",
			info + "METADATA":     "Metadata-Version: 2.1\nName: " + name + "\nVersion: 99\n",
			info + "WHEEL":        "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
			info + "RECORD":       "",
		})
		require.NoError(t, os.WriteFile(filepath.Join(wheels, name+"-99-py3-none-any.whl"), content, 0o644))
	}
	t.Setenv("PIP_NO_INDEX", "1")
	t.Setenv("PIP_FIND_LINKS", wheels)
}

// standIn trains nothing: mindformers 1.x has no ChatGLM-6B any more, so only
// with 0.8.0, the guide's, the last step of the recipe is a real training. It
// reads all that the real one would read, prints what that prints, and saves.
const standIn = `
import argparse, json, logging, os, sys
import mindspore, numpy, sentencepiece
from mindformers.tools.register import MindFormerConfig
options = argparse.ArgumentParser()
options.add_argument("--config")
options.add_argument("--run_mode")
settings = MindFormerConfig(options.parse_args().config)
weights = mindspore.load_checkpoint(settings.load_checkpoint)
assert len(weights) > 20 and all(v.dtype == mindspore.float16 for v in weights.values() if v.ndim > 1), weights
for part in (settings.train_dataset, settings.eval_dataset):
    rows = [json.loads(line) for line in open(part.data_loader.dataset_dir, encoding="utf-8")]
    assert all(set(row) == {"content", "summary"} for row in rows) and rows
    assert sentencepiece.SentencePieceProcessor(model_file=part.tokenizer.vocab_file).get_piece_size() == 130006
assert settings.train_dataset_task.dataset_config.data_loader.dataset_dir == settings.train_dataset.data_loader.dataset_dir
for step in range(1, 5):
    print("2026-01-01 00:00:%02d,000 - mindformers[callback.py:305] - INFO - { Epoch:[  1/  1], step:[%5d/    4], loss: %.3f, per_step_time: 20ms, lr: 1e-05, overflow cond: False, loss_scale: 1.0" % (step, step, 5 - step / 10), flush=True)
os.makedirs("output/checkpoint/rank_0")
mindspore.save_checkpoint([{"name": k, "data": v} for k, v in weights.items()], "output/checkpoint/rank_0/glm_6b_lora_rank_0-1_4.ckpt", append_dict={"epoch_num": 1, "step_num": 4, "loss_scale": 1.0})
`

// glmConfig is laid out as run_glm_6b_lora.yaml: with anchors and comments.
const glmConfig = `# ChatGLM
seed: 0
load_checkpoint: ""
output_dir: './output' # must stay
use_parallel: True
train_dataset: &train_dataset
  data_loader:
    type: ADGenDataLoader
    dataset_dir: "/path/to/train.json"
  tokenizer:
    type: ChatGLMTokenizer
    vocab_file: "/path/to/ice_text.model"
train_dataset_task:
  type: KeyWordGenDataset
  dataset_config: *train_dataset
eval_dataset: &eval_dataset
  data_loader:
    type: ADGenDataLoader
    dataset_dir: "/path/to/dev.json"
  tokenizer:
    type: ChatGLMTokenizer
    vocab_file: "/path/to/ice_text.model"
eval_dataset_task:
  type: KeyWordGenDataset
  dataset_config: *eval_dataset
model:
  model_config:
    type: GLMConfig
    vocab_size: 130006
    hidden_size: 64
    num_layers: 2
    num_heads: 4
    seq_length: 128
runner_config:
  epochs: 9
  batch_size: 99
`

// glmCheckout is a checkout for the recipe of ChatGLM. The one that the guide has
// can train, with the config of tiny-glm laid out as run_glm_6b_lora.yaml.
func glmCheckout(t *testing.T, h *memoryHost) (repository, commit string, trains bool) {
	t.Helper()
	const config = "configs/glm/run_glm_6b_lora.yaml"
	installed := findMindformers(&StepContext{Settings: h.settings(), With: map[string]any{}})
	if installed.chatglm() != "glm" {
		repository, commit = published(t, map[string]string{"run_mindformer.py": standIn, config: glmConfig},
			installed.dir, filepath.Join(filepath.Dir(installed.dir), "configs"))
		return repository, commit, false
	}
	tiny := withoutMonitor(t, installed.laidOut("builtin:configs/run_tiny_chatglm_lora.yaml"))
	rows := strings.Replace(tiny, "    type: MindDataset\n", "    type: ADGenDataLoader\n    phase: \"train\"\n    origin_columns: [\"content\", \"summary\"]\n", 1)
	require.NotEqual(t, tiny, rows)
	for old, large := range map[string]string{
		"vocab_size: 800": "vocab_size: 130006", "bos_token_id: 8": "bos_token_id: 130004", "eos_token_id: 9": "eos_token_id: 130005",
		" mask_token_id: 4": " mask_token_id: 130000", "gmask_token_id: 5": "gmask_token_id: 130001",
	} {
		require.Contains(t, rows, old)
		rows = strings.Replace(rows, old, large, 1)
	}
	repository, commit = checkoutOf(t, h, map[string]string{config: rows + evalDataset})
	return repository, commit, true
}

// evalDataset is the part that tiny-glm has not: it does not evaluate.
const evalDataset = `eval_dataset: &eval_dataset
  data_loader:
    type: ADGenDataLoader
    dataset_dir: ""
    shuffle: False
    phase: "eval"
    origin_columns: ["content", "summary"]
  tokenizer:
    type: ChatGLMTokenizer
    vocab_file: ""
  max_source_length: 40
  max_target_length: 40
  ignore_pad_token_for_loss: True
  input_columns: ["input_ids", "labels"]
  num_parallel_workers: 1
  batch_size: 1
eval_dataset_task:
  type: KeyWordGenDataset
  dataset_config: *eval_dataset
`

// With mindformers 0.x, as make test-deep has it, every step is real, the training
// of ChatGLM-6B included; with 1.x all but the training are, see [standIn].
func TestTheRecipeForChatGLMRunsFromAMirror(t *testing.T) {
	mindspore(t)
	m, h := mirror.New(t), newHost(t)
	weights, tokenizer := hub(t, h, "glm")
	files, large := map[string]string{}, [][]byte{}
	pointer := func(name, content string) {
		large = append(large, []byte(content))
		files[name] = fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n", mirror.Sum([]byte(content)), len(content))
	}
	pointer("ice_text.model", read(t, tokenizer))
	entries, err := os.ReadDir(weights)
	require.NoError(t, err)
	for _, e := range entries {
		content := read(t, filepath.Join(weights, e.Name()))
		if filepath.Ext(e.Name()) == ".bin" {
			pointer(e.Name(), content)
		} else {
			files[e.Name()] = content
		}
	}
	model, modelCommit := published(t, files)
	m.LFS("/closed.git", nil)
	m.LFS("/THUDM/chatglm-6b.git", large, mirror.BreakOff(1, 30_000))
	const line = `{"content": "类型#裙*风格#复古", "summary": "复古的裙子。"}` + "\n"
	m.Add("/data.tar.xz", tarXz(t, map[string]string{"AdvertiseGen/train.json": strings.Repeat(line, 40), "AdvertiseGen/dev.json": line}))
	m.Add("/expired", nil, mirror.Expired())
	repository, commit, trains := glmCheckout(t, h)

	r, err := Load("chatglm-6b-lora")
	require.NoError(t, err)
	vars := map[string]string{
		"mindformers_repository": repository, "mindformers_commit": commit,
		"model_repository": model, "model_commit": modelCommit,
		"weights": m.URL + "/closed", "weights_mirror": m.URL + "/THUDM/chatglm-6b",
		"data": m.URL + "/expired?Signature=hidden", "data_mirror": m.URL + "/data.tar.xz", "batch_size": "2", "weights_size": "1000000",
	}
	j := job(h, r, vars)
	h.run(j)
	for _, step := range r.Steps {
		require.Equal(t, StepSucceeded, h.steps[step.ID].State, step.ID)
	}
	require.NotContains(t, fmt.Sprint(h.output), "hidden")
	config, kept := read(t, h.steps["config"].Outputs["file"]), []string{"&train_dataset", "*train_dataset", "*eval_dataset", "output_dir: './output'"}
	if losses := h.losses(); trains {
		require.Len(t, losses, 20, "40 rows, 2 at once")
		require.Less(t, losses[19], losses[0])
		require.Contains(t, h.steps["train"].Outputs["checkpoint"], "tiny_glm_rank_0")
	} else {
		require.Len(t, losses, 4)
		require.Equal(t, "glm_6b_lora_rank_0-1_4.ckpt", filepath.Base(h.steps["train"].Outputs["checkpoint"]))
		kept = append(kept, "# ChatGLM\n", "output_dir: './output' # must stay")
	}
	for _, kept := range kept {
		require.Contains(t, config, kept)
	}
	require.Equal(t, "2", h.steps["merge"].Outputs["files_in"])

	// The hub may be a directory of the user's, with the pointers in it or not.
	require.NoDirExists(t, h.steps["merge"].Outputs["dir"], "it was converted")
	vars["model"] = h.steps["weights"].Outputs["dir"]
	vars["weights"], vars["weights_mirror"] = m.URL+"/THUDM/chatglm-6b", ""
	plans, err := Preview(t.Context(), j, h, h.settings())
	require.NoError(t, err)
	require.True(t, plans[1].LeftOut)
}

func tarXz(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	x, err := xz.NewWriter(&b)
	require.NoError(t, err)
	w := tar.NewWriter(x)
	for _, name := range sorted(files) {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name]))}))
		_, err := w.Write([]byte(files[name]))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, x.Close())
	return b.Bytes()
}
