package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func withoutContext(text string) string {
	return strings.Replace(text, "context: {device_target: CPU}\n", "", 1)
}

// edited is a config with one text replaced by another.
func (h *house) edited(s *Subject, old, replacement string) *Subject {
	h.t.Helper()
	text, err := os.ReadFile(s.Config)
	require.NoError(h.t, err)
	require.Contains(h.t, string(text), old)
	return &Subject{
		Env: s.Env, Root: s.Root, Home: s.Home, Dir: s.Dir, Start: s.Start, Checkout: s.Checkout, Workers: s.Workers,
		Config: s.Config, Text: []byte(strings.Replace(string(text), old, replacement, 1)),
	}
}

// as sets the version of mindformers that is installed.
func (h *house) as(s *Subject, version string) *Subject {
	s.Env = h.env("mf-"+version, "3.7", "mindformers=="+version)
	return s
}

func TestSeveralCardsInAConfig(t *testing.T) {
	h := newHouse(t)
	s := h.config("Llama", "MindDataset", "", "")
	require.Empty(t, Examine(t.Context(), s, "parallel"), "the config does not say")
	with := func(use string, workers int, split string) *Subject {
		s := h.config("Llama", "MindDataset", "", "", "use_parallel: "+use, "parallel_config: "+split)
		s.Workers = workers
		return s
	}
	f := h.finds(with("True", 1, "{data_parallel: 8}"), "parallel", Error, "for a training on one card")
	require.Contains(t, f.Remedy.EN, "--write use_parallel=false")
	h.finds(with("True", 0, "{}"), "parallel", Warning, "for a training on one card")
	h.finds(with("False", 1, "{data_parallel: 8}"), "parallel", OK, "") // mindformers makes 1 of it
	h.finds(with("False", 2, "{}"), "parallel", Error, "of 2 processes")
	h.finds(with("True", 8, "{data_parallel: 8, model_parallel: 1}"), "parallel", OK, "")
	h.finds(with("True", 4, "{data_parallel: 8, model_parallel: 1}"), "parallel", Warning, "made for 8 cards")
	s = with("True", 1, "{}")
	s.Start = []string{"RANK_TABLE_FILE=/x"}
	h.finds(s, "parallel", OK, "")
}

func TestOutputDirOfOldMindformers(t *testing.T) {
	h := newHouse(t)
	s := func(version, dir string) *Subject {
		return h.as(h.config("Llama", "MindDataset", "", "", "output_dir: "+dir), version)
	}
	f := h.finds(s("0.8.0", "/data/out"), "output", Warning, "output_dir is /data/out")
	require.Contains(t, f.Remedy.EN, "output_dir=./output")
	h.finds(s("0.6.0", "./output"), "output", OK, "")
	require.Empty(t, Examine(t.Context(), s("1.0.2", "/data/out"), "output"))
}

func TestADGenIsAFileOrADirectory(t *testing.T) {
	h := newHouse(t)
	h.file("AdvertiseGen/train.json", `{"content": "a", "summary": "b"}`+"\n")
	dir := func(version string) *Subject {
		return h.as(h.config("GLM", "ADGenDataLoader", "AdvertiseGen", ""), version)
	}
	file := func(version string) *Subject {
		return h.as(h.config("GLM", "ADGenDataLoader", "AdvertiseGen/train.json", ""), version)
	}
	h.finds(dir("0.6.0"), "data", OK, "")
	h.finds(file("0.6.0"), "data", Error, "of mindformers 0.6 reads a directory")
	for _, version := range []string{"0.7.0", "0.8.0", "1.3.2"} {
		h.finds(dir(version), "data", Error, "ADGenDataLoader reads a file")
		h.finds(file(version), "data", OK, "")
	}
	require.NoError(t, os.Rename(filepath.Join(h.dir, "AdvertiseGen/train.json"), filepath.Join(h.dir, "AdvertiseGen/dev.json")))
	h.finds(dir("0.6.0"), "data", Error, "holds no train.json")
	s := dir("0.6.0")
	s.Env, s.Checkout = filepath.Join(h.dir, "none"), filepath.Join(h.dir, "mf")
	h.file("mf/setup.py", "version = '0.8.0'\n")
	h.finds(s, "data", Error, "reads a file") // the checkout counts
}

// What ADGenDataLoader reads: a JSON object a line, with its two columns.
func TestRowsOfADGen(t *testing.T) {
	h := newHouse(t)
	s := h.as(h.config("GLM", "ADGenDataLoader", "train.json", ""), "0.8.0")
	for rows, found := range map[string]string{
		`{"prompt": "a", "summary": "b"}` + "\n":             "has no column content",
		`[{"content": "a", "summary": "b"}]`:                 "no JSON object",
		"[\n  {\"content\": \"a\", \"summary\": \"b\"}\n]\n": "no JSON object",
		"\xff\xfe{\x00": "no JSON object",
	} {
		h.file("train.json", rows)
		h.finds(s, "data", Error, found)
	}
	h.file("train.json", `{"prompt": "a", "answer": "b"}`)
	h.finds(h.edited(s, "type: ADGenDataLoader", "type: ADGenDataLoader, origin_columns: [prompt, answer]"), "data", OK, "")
	h.file("train.json", `{"content": "`+strings.Repeat("x", 2<<20)+`", "summary": "b"}`+"\n")
	h.finds(s, "data", OK, "")
}

func TestColumnsOfTheData(t *testing.T) {
	h := newHouse(t)
	h.rows("rows.mindrecord", "rows-2.0.0-one-field.mindrecord.gz")
	s := h.config("Llama", "MindDataset", "rows.mindrecord", "")
	h.finds(h.edited(s, "num_parallel_workers", "input_columns: [input_ids]\n  num_parallel_workers"), "data", OK, "")
	h.finds(h.edited(s, "num_parallel_workers", "input_columns: [input_ids, labels]\n  num_parallel_workers"), "data", Error, "no column labels")
}

func TestWhatIsNotKnownYetIsNotFoundFaultWith(t *testing.T) {
	h := newHouse(t)
	s := h.config("Llama", "MindDataset", Unknown+"mindrecord.file›", Unknown+"convert.file›", "use_parallel: false")
	s = h.edited(s, "tokenizer.model", "‹tokenizer.file›")
	for _, f := range Examine(t.Context(), s, "config", "data", "seq-length", "tokenizer", "weights", "lfs", "resume", "parallel") {
		require.Equal(t, OK, f.Level, f.Found.EN)
	}
}

func TestTokenizersOfAllKinds(t *testing.T) {
	h := newHouse(t)
	s := func(path, kind string) *Subject {
		return h.edited(h.config("Llama", "MindDataset", "", ""), "{vocab_file: tokenizer.model}", "{vocab_file: "+path+", type: "+kind+"}")
	}
	h.file("hf/tokenizer.json", `{"model": {"vocab": {"a": 0, "b": 8}}, "added_tokens": [{"id": 9}]}`)
	h.finds(s("hf/tokenizer.json", "LlamaTokenizerFast"), "tokenizer", OK, "10 tokens")
	h.finds(s("hf", "LlamaTokenizerFast"), "tokenizer", OK, "10 tokens")
	h.finds(s("hf", "LlamaTokenizer"), "tokenizer", Error, "is a directory, and LlamaTokenizer reads a file")
	h.file("hf/tokenizer.json", `{"model": {"vocab": [["a", -1], ["b", -2]]}, "added_tokens": [{"id": 10}]}`)
	h.finds(s("hf", "T5Tokenizer"), "tokenizer", Error, "has 11 tokens")
	h.file("vocab.json", `{"a": 0, "b": 9}`)
	h.finds(s("vocab.json", "QwenTokenizer"), "tokenizer", OK, "10 tokens")
	h.file("glm4/tokenizer.model", "IQ== 0\nIg== 1\n")
	h.finds(s("glm4/tokenizer.model", "ChatGLM4Tokenizer"), "tokenizer", OK, "2 tokens")
	h.file("strange.bin", "\x01\x02")
	require.Empty(t, Examine(t.Context(), s("strange.bin", "MyTokenizer"), "tokenizer"))
	h.finds(s("strange.bin", "LlamaTokenizer"), "tokenizer", Error, "not a SentencePiece model")
}

func TestDirectoriesOfWeights(t *testing.T) {
	h := newHouse(t)
	s := func(version, load string) *Subject { return h.as(h.config("Llama", "MindDataset", "", load), version) }
	h.file("hf/config.json", "{}")
	h.file("hf/model-00001-of-00002.safetensors", "")
	h.finds(s("0.8.0", "hf"), "weights", Error, "weights of Hugging Face")
	h.finds(s("1.6.0", "hf"), "weights", OK, "")
	h.file("bin/pytorch_model.bin", "")
	h.finds(s("1.6.0", "bin"), "weights", Error, "weights of Hugging Face")
	h.file("ranks/rank_0/x.ckpt", "")
	h.finds(s("0.8.0", "ranks"), "weights", OK, "")
	h.file("none/readme", "")
	h.finds(s("0.8.0", "none"), "weights", Error, "without checkpoints")
	h.file("m.pth", "")
	h.finds(s("0.8.0", "m.pth"), "weights", Error, "of PyTorch")

	h.file("mf-0.8.0/lib/python3.7/site-packages/mindformers/mindformer_book.py", `x = {"llama_7b": 1}`)
	h.finds(s("0.8.0", "llama_7b"), "weights", OK, "downloads")
	h.finds(s("0.8.0", "llama_7c"), "weights", Error, "neither a file nor a model")

	h.finds(s("1.0.2", ""), "weights", Error, "load_checkpoint is empty")
	f := h.finds(s("1.6.0", ""), "weights", Warning, "load_checkpoint is empty")
	require.Contains(t, f.Why.EN, "random weights")
}

func TestRulesOfResumption(t *testing.T) {
	h := newHouse(t)
	s := func(version, load, resume string) *Subject {
		return h.as(h.config("Llama", "MindDataset", "", load, "resume_training: "+resume), version)
	}
	shapes := map[string][]int64{"model.tok_embeddings.embedding_weight": {10, 4}}
	h.safetensors("base.safetensors", shapes)
	require.Empty(t, Examine(t.Context(), s("1.6.0", "base.safetensors", "False"), "resume"))
	h.finds(s("1.6.0", "base.safetensors", "True"), "resume", Warning, "does not say which step")
	h.finds(s("0.8.0", "base.safetensors", "x.ckpt"), "resume", Warning, "knows True and False only")
	h.finds(s("1.6.0", "", "True"), "resume", Warning, "load_checkpoint is empty")
	shapes["epoch_num"], shapes["step_num"] = []int64{1}, []int64{1}
	h.safetensors("rank_0/x.safetensors", shapes)
	h.safetensors("copy/x.safetensors", shapes)
	h.finds(s("1.6.0", "rank_0/x.safetensors", "True"), "resume", Error, "is below rank_0")
	require.Empty(t, Examine(t.Context(), s("1.6.0", "copy/x.safetensors", "True"), "resume"))
}

func TestInputsOfARecipe(t *testing.T) {
	h := newHouse(t)
	s := h.subject("")
	require.Empty(t, Examine(t.Context(), s, "inputs"))
	s.Inputs = map[string]string{"data": h.file("a.json", "[]"), "weights": h.dir}
	h.finds(s, "inputs", OK, "2 files, directories and addresses")
	s.Inputs["data"] = "https://bucket.example/a.zip?X-Amz-Date=20230701T000000Z&X-Amz-Expires=86400&X-Amz-Signature=geheim"
	f := h.finds(s, "inputs", Warning, "data is a presigned address, https://bucket.example/a.zip, which was valid until 2023-07-02 00:00 UTC")
	require.NotContains(t, f.Found.EN+f.Found.ZH, "geheim")
	s.Inputs["data"] = "https://bucket.example/a.zip?version=1"
	h.finds(s, "inputs", OK, "2 files")
	s.Inputs["data"] = h.file("empty.json", "")
	h.finds(s, "inputs", Error, "data is "+s.Inputs["data"]+", which is empty")
	s.Inputs["data"] = filepath.Join(h.dir, "gone")
	h.finds(s, "inputs", Error, "no such file")
	s.Inputs["data"] = h.file("p", pointer(77))
	f = h.finds(s, "inputs", Error, "of 77 bytes")
	require.Contains(t, f.Remedy.EN, `source: "REPOSITORY"`)
	h.file(".git/config", "[remote \"origin\"]\n\turl = https://me:geheim@hub.example/THUDM/chatglm-6b\n")
	f = h.finds(s, "inputs", Error, "of 77 bytes")
	require.Contains(t, f.Remedy.EN, "https://hub.example/THUDM/chatglm-6b")
}

func TestWhatACPUCannotDo(t *testing.T) {
	h := newHouse(t)
	s := h.config("Llama", "MindDataset", "", "")
	h.finds(s, "cpu", OK, "")
	s = h.edited(s, "seq_length:", "compute_dtype: bfloat16, use_flash_attention: True, seq_length:")
	f := h.finds(s, "cpu", Warning, "device_target is CPU, with compute_dtype bfloat16, use_flash_attention")
	require.Contains(t, f.Remedy.EN, "--write model.model_config.compute_dtype=float32 model.model_config.use_flash_attention=false")
	s.Text = []byte(withoutContext(string(s.Text)))
	require.Empty(t, Examine(t.Context(), &Subject{Env: s.Env, Config: s.Config, Text: s.Text}, "cpu"))
}

func TestPositionsOfAChatGLM(t *testing.T) {
	h := newHouse(t)
	s := h.config("GLM", "ADGenDataLoader", "", "")
	h.finds(h.edited(s, "seq_length: 128", "seq_length: 128, position_encoding_2d: False"), "config", Warning, "position_encoding_2d is False")
	h.finds(h.edited(s, "seq_length: 128", "seq_length: 128, position_encoding_2d: True"), "config", OK, "")
}

// Ten thousand records and a checkpoint of 40 GB take no longer than small ones:
// only the beginnings of some are read.
func TestLargeDataIsLookedAtInParts(t *testing.T) {
	h := newHouse(t)
	first := h.rows("data/part.mindrecord0", "rows-2.7.0.mindrecord.gz")
	for i := range 2 * mostRecords {
		name := filepath.Join(h.dir, "data", "part.mindrecord0"+strings.Repeat("0", i%7)+string(rune('a'+i%26))+strings.Repeat("1", i/26))
		require.NoError(t, os.Link(first, name))
		require.NoError(t, os.Link(first+".db", name+".db"))
	}
	info, err := os.Stat(filepath.Join(h.dir, "data"))
	require.NoError(t, err)
	require.Len(t, recordFiles(filepath.Join(h.dir, "data"), info), mostRecords)
}
