package doctor

import (
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/launcher/devices"
)

// house is a machine's worth of files in a directory.
type house struct {
	t   *testing.T
	dir string
}

func newHouse(t *testing.T) *house {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "home [1]")
	require.NoError(t, os.Mkdir(dir, 0o755))
	return &house{t, dir}
}

func (h *house) file(name, text string) string {
	h.t.Helper()
	path := filepath.Join(h.dir, name)
	require.NoError(h.t, os.MkdirAll(filepath.Dir(path), 0o750))
	require.NoError(h.t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// env makes an environment in which packages ("NAME==VERSION", and further
// lines of METADATA) are installed.
func (h *house) env(name, minor string, packages ...string) string {
	h.t.Helper()
	site := filepath.Join(name, "lib", "python"+minor, "site-packages")
	h.file(filepath.Join(site, "site.txt"), "")
	for _, p := range packages {
		head, more, _ := strings.Cut(p, "\n")
		pkg, version, _ := strings.Cut(head, "==")
		h.file(filepath.Join(site, strings.ReplaceAll(pkg, "-", "_")+"-"+version+".dist-info", "METADATA"),
			fmt.Sprintf("Metadata-Version: 2.1\nName: %s\nVersion: %s\n%s\n\nProse: 5 > 4\n", pkg, version, more))
	}
	return filepath.Join(h.dir, name)
}

func (h *house) subject(env string) *Subject {
	return &Subject{Env: env, Root: h.dir, Home: h.dir, Dir: h.dir, Start: []string{"ASCEND_HOME_PATH=/cann"}}
}

// pointer is what git-lfs leaves in the place of a file of so many bytes.
func pointer(size int64) string {
	return fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize %d\n", 0, size)
}

// finds examines one check; each finding must speak both languages and, where
// it is not ok, say what to do.
func (h *house) finds(s *Subject, check string, level Level, says string) Finding {
	h.t.Helper()
	findings := Examine(context.Background(), s, check)
	require.NotEmpty(h.t, findings, check)
	for _, f := range findings {
		require.Equal(h.t, check, f.Check)
		require.NotEmpty(h.t, f.Found.ZH)
		require.NotContains(h.t, f.Found.EN+f.Found.ZH+f.Remedy.EN+f.Remedy.ZH+f.Why.ZH, "%!")
		if f.Level != OK {
			require.NotEmpty(h.t, f.Why.ZH)
			require.NotEmpty(h.t, f.Why.EN)
			require.NotEmpty(h.t, f.Remedy.EN)
			require.NotEmpty(h.t, f.Remedy.ZH)
		}
		if f.Level == level && strings.Contains(f.Found.EN, says) {
			return f
		}
	}
	require.Failf(h.t, "not found", "%s: %s %q in %+v", check, level, says, findings)
	return Finding{}
}

var healthy = []string{
	"mindspore==2.0.0", "mindformers==0.8.0", "mindpet==1.0.2", "sentencepiece==0.1.99", "ftfy==6.1.1", "regex==2023.1.1",
	"tqdm==4.65.0", "PyYAML==6.0", "jieba==0.42.1", "rouge_chinese==1.0.3", "nltk==3.8",
}

func TestAHealthyEnvironment(t *testing.T) {
	h := newHouse(t)
	s := h.subject(h.env("env", "3.7", healthy...))
	h.finds(s, "python", OK, "Python 3.7")
	h.finds(s, "stack", OK, "MindSpore 2.0.0 with mindformers 0.8.0")
	h.finds(s, "packages", OK, "is installed")
	require.Equal(t, OK, Worst(Examine(t.Context(), s, "python", "stack", "packages", "opencv", "preload", "conda")))
}

func TestTheTrapsOfEnvironments(t *testing.T) {
	h := newHouse(t)
	one := func(minor string, packages ...string) *Subject {
		return h.subject(h.env(fmt.Sprintf("env%d", len(packages)*100+h.count()), minor, packages...))
	}
	h.finds(h.subject(filepath.Join(h.dir, "none")), "python", Error, "no Python environment")
	h.finds(one("3.7", "fschat==0.2.13\nRequires-Python: >=3.8"), "python", Error, "fschat 0.2.13 is made for Python >=3.8")
	h.finds(one("3.11", "mindformers==0.6.0"), "python", Warning, "not released for Python 3.11")

	h.finds(one("3.7"), "stack", Error, "MindSpore is not installed")
	h.finds(one("3.9", "mindspore-ascend==1.10.1"), "stack", Warning, "no mindformers")
	f := h.finds(one("3.9", "mindspore==2.7.0", "mindformers==1.3.2"), "stack", Error, "mindformers 1.3.2 with MindSpore 2.7.0")
	require.Contains(t, f.Remedy.EN, "mindspore==2.4.10")
	h.finds(one("3.9", "mindspore==2.7.0", "mindformers==9.9"), "stack", OK, "nothing is known")

	f = h.finds(one("3.7", "mindspore==2.0.0", "mindformers==0.6.0", "mindpet==1.0.2"), "packages", Error, "mindpet is 1.0.2")
	require.Contains(t, f.Remedy.EN, "mindpet==1.0.1")
	h.finds(one("3.7", "mindformers==0.6.0"), "packages", Error, "mindpet is not installed")
	f = h.finds(one("3.9", "mindspore==2.4.0\nRequires-Dist: numpy (<2.0.0,>=1.20.0)\nRequires-Dist: x>1; extra == 'y'", "numpy==2.0.1", "x==0.1"),
		"packages", Warning, "numpy is 2.0.1, and others want another one (mindspore 2.4.0: <2.0.0,>=1.20.0)")
	require.Contains(t, f.Remedy.EN, "'numpy<2.0.0,>=1.20.0'")
	f = h.finds(one("3.9", "mindspore==2.4.0\nRequires-Dist: numpy<2", "mindformers==1.6.0\nRequires-Dist: numpy<2,>=1.2\nRequires-Dist: nltk (==3.9.1)", "numpy==2.0.1"),
		"packages", Warning, "numpy is 2.0.1, and others want another one (mindspore 2.4.0: <2; mindformers 1.6.0: <2,>=1.2)")
	require.Contains(t, f.Fix.Does, "pip install 'numpy<2,>=1.2'")
	f = h.finds(one("3.9", "mindspore==2.7.0", "mindformers==1.6.0\nRequires-Dist: nltk (==3.9.1)"), "packages", Warning, "rouge-chinese nltk")
	require.Contains(t, f.Fix.Does, " rouge-chinese nltk==3.9.1")
	f = h.finds(one("3.9", "mindspore==2.4.0\nRequires-Dist: numpy (<2.0.0,>=1.20.0)", "numpy==2.0.1"), "packages", Warning, "numpy is 2.0.1")
	require.Contains(t, f.Fix.Does, f.Remedy.EN)
	h.finds(one("3.7", "mindformers==0.8.0", "mindpet==1.0.2"), "packages", Warning, "sentencepiece ftfy")

	f = h.finds(one("3.7", "opencv-python==4.8.0"), "opencv", Error, "no libGL.so.1")
	require.Contains(t, f.Fix.Does, "install opencv-python-headless")
	h.finds(one("3.7", "opencv-python==4.8.0", "opencv-python-headless==4.8.0"), "opencv", Warning, "several at once")
	h.finds(one("3.7", "opencv-python-headless==4.8.0"), "opencv", OK, "headless")
	h.file("usr/lib/x86_64-linux-gnu/libGL.so.1", "")
	h.finds(one("3.7", "opencv-python==4.8.0"), "opencv", OK, "opencv-python 4.8.0")

	s := one("3.7")
	s.Start = []string{"LD_PRELOAD=/nowhere/libgomp-d22c30c5.so.1"}
	h.finds(s, "preload", Warning, "/nowhere/libgomp-d22c30c5.so.1, which is not there")

	s = one("3.7", "mindformers==0.8.0")
	s.Others = []string{h.env("other", "3.9", "sentencepiece==0.2.0"), filepath.Join(h.dir, "gone")}
	h.finds(s, "environments", Warning, "mindformers is 0.8.0")
	h.finds(s, "environments", Error, "gone")
}

func (h *house) count() int {
	entries, err := os.ReadDir(h.dir)
	require.NoError(h.t, err)
	return len(entries)
}

func TestCANNAndDriverAreCompared(t *testing.T) {
	h := newHouse(t)
	s := h.subject(h.env("env", "3.10", "mindspore==2.7.0", "mindformers==1.6.0"))
	h.finds(s, "stack", OK, "")
	h.file("cann/version.cfg", "# of the installer\ntoolkit_running_version=[7.6.0.1.220:8.1.RC1]\n")
	h.file("usr/local/Ascend/driver/version.info", "Version=24.1.rc3\nascendhal_version=7.35.23\n")
	h.finds(s, "stack", Warning, "CANN is 8.1.RC1, older than 8.2.RC1")
	f := h.finds(s, "stack", Warning, "the driver is 24.1.rc3, older than 25.2.0")
	require.Contains(t, f.Remedy.EN, "save first")
	h.file("cann/version.cfg", "toolkit_running_version=[7.7.0.1.238:8.2.RC1]\n")
	h.file("usr/local/Ascend/driver/version.info", "Version=25.2.0\n")
	h.finds(s, "stack", OK, "MindSpore 2.7.0")
}

func TestOlder(t *testing.T) {
	for _, pair := range [][2]string{
		{"8.0.RC3", "8.0.0"}, {"8.0.RC3.beta1", "8.0.0"}, {"24.1.rc2", "24.1.rc3"}, {"24.1.rc3", "24.1.0"}, {"7.0.0", "8.0.RC1"}, {"23.0.6", "24.1.RC1"},
	} {
		require.True(t, older(pair[0], pair[1]), pair)
		require.False(t, older(pair[1], pair[0]), pair)
	}
	for _, pair := range [][2]string{{"8.0.RC3", "8.0.rc3.beta1"}, {"8.0.0", "8.0.0.1"}, {"", "8.0"}, {"x", "8.0"}} {
		require.False(t, older(pair[0], pair[1]), pair)
	}
}

func TestCondaChannels(t *testing.T) {
	h := newHouse(t)
	s := h.subject(h.env("env", "3.7"))
	require.Empty(t, Examine(t.Context(), s, "conda"))
	h.file(".condarc", "# mine\nshow_channel_urls: true\nchannels:\n  - https://mirror.example/pkgs\n  - defaults\nssl_verify: true # keep\n")
	f := h.finds(s, "conda", Warning, "https://mirror.example/pkgs, defaults")
	require.NoError(t, f.Fix.Do(t.Context()))
	h.finds(s, "conda", OK, "no channels")
	kept, err := os.ReadFile(filepath.Join(h.dir, ".condarc"))
	require.NoError(t, err)
	require.Equal(t, "# mine\nshow_channel_urls: true\nssl_verify: true # keep\n", string(kept))
	require.FileExists(t, filepath.Join(h.dir, ".condarc.before-ftd"))
	h.file(".condarc", "channels: [\n")
	h.finds(s, "conda", Warning, "cannot be read")

	h.file(".condarc", "channels:\n  - a\n\n# of the proxy\nssl_verify: false\n")
	require.NoError(t, h.finds(s, "conda", Warning, "lists a").Fix.Do(t.Context()))
	kept, err = os.ReadFile(filepath.Join(h.dir, ".condarc"))
	require.NoError(t, err)
	require.Equal(t, "# of the proxy\nssl_verify: false\n", string(kept))
	// Where other settings would go with them, a person does it.
	for _, text := range []string{"{channels: [a], ssl_verify: true}\n", "channels: &c\n  - a\ndefault_channels: *c\n"} {
		h.file(".condarc", text)
		require.ErrorContains(t, h.finds(s, "conda", Warning, "lists a").Fix.Do(t.Context()), "by hand")
		kept, err = os.ReadFile(filepath.Join(h.dir, ".condarc"))
		require.NoError(t, err)
		require.Equal(t, text, string(kept))
	}
}

// yaml is a config in which only some values matter.
func (h *house) config(model, loader, data, load string, more ...string) *Subject {
	h.t.Helper()
	s := h.subject(h.env("env", "3.7", healthy...))
	s.Config = h.file("run.yaml", fmt.Sprintf(`run_mode: finetune
load_checkpoint: %q
context: {device_target: CPU}
runner_config: {epochs: 1}
train_dataset: &train
  data_loader: {type: %s, dataset_dir: %q}
  num_parallel_workers: 1
  tokenizer: {vocab_file: tokenizer.model}
task: {config: *train}
model:
  arch: {type: %sForCausalLM}
  model_config: {type: %sConfig, seq_length: 128, vocab_size: 10, hidden_size: 4, num_layers: 2}
%s`, load, loader, data, model, model, strings.Join(more, "\n")))
	return s
}

func (h *house) rows(name, sample string) string {
	h.t.Helper()
	f, err := os.Open(filepath.Join("testdata", sample))
	require.NoError(h.t, err)
	defer f.Close()
	unzip, err := gzip.NewReader(f)
	require.NoError(h.t, err)
	text, err := io.ReadAll(unzip)
	require.NoError(h.t, err)
	h.file(name+".db", "index")
	return h.file(name, string(text))
}

// The samples were written by mindspore.mindrecord of 2.7.0 (rows of 129, 129
// and 77 numbers in two fields) and 2.0.0 (129 and 77 in one).
func TestRowsOfRealMindRecords(t *testing.T) {
	h := newHouse(t)
	lengths, err := rowLengths(h.rows("a", "rows-2.7.0.mindrecord.gz"), "input_ids", 10)
	require.NoError(t, err)
	require.Equal(t, []int64{129, 129, 77}, lengths)
	lengths, err = rowLengths(h.rows("a", "rows-2.7.0.mindrecord.gz"), "labels", 2)
	require.NoError(t, err)
	require.Equal(t, []int64{129, 129}, lengths)
	lengths, err = rowLengths(h.rows("b", "rows-2.0.0-one-field.mindrecord.gz"), "input_ids", 10)
	require.NoError(t, err)
	require.Equal(t, []int64{129, 77}, lengths)
	_, err = rowLengths(h.rows("b", "rows-2.0.0-one-field.mindrecord.gz"), "labels", 10)
	require.ErrorContains(t, err, "no field labels")
	for _, text := range []string{"", "12345678", "\x02\x00\x00\x00\x00\x00\x00\x00{}", "\xff\xff\xff\xff\xff\xff\xff\xff"} {
		_, err = rowLengths(h.file("c", text), "input_ids", 10)
		require.Error(t, err)
	}
}

func TestDataIsComparedWithTheModel(t *testing.T) {
	h := newHouse(t)
	h.finds(h.config("Llama", "MindDataset", "", ""), "data", Error, "names no training data")
	h.finds(h.config("Llama", "MindDataset", "gone.mindrecord", ""), "data", Error, "no such file")
	h.file("empty.mindrecord", "")
	h.file("empty.mindrecord.db", "")
	f := h.finds(h.config("Llama", "MindDataset", "empty.mindrecord", ""), "data", Error, "its writer was interrupted")
	require.Contains(t, f.Fix.Does, "rm '"+h.dir+"/empty.mindrecord' '"+h.dir+"/empty.mindrecord.db'", "as a shell takes it")
	require.NoError(t, f.Fix.Do(t.Context()))
	require.NoFileExists(t, filepath.Join(h.dir, "empty.mindrecord.db"))
	h.file("text.mindrecord", "no MindRecord")
	h.finds(h.config("Llama", "MindDataset", "text.mindrecord", ""), "seq-length", Warning, "is no MindRecord")
	h.file("empty.json", "")
	h.finds(h.config("GLM", "ADGenDataLoader", "empty.json", ""), "data", Error, "empty.json is empty")
	h.file("dir/readme.md", "")
	h.finds(h.config("Llama", "MindDataset", "dir", ""), "data", Error, "holds no .mindrecord")
	h.finds(h.config("GLM", "ADGenDataLoader", "dir", ""), "data", Error, "is a directory")
	h.file("pointer.json", pointer(1234567))
	h.finds(h.config("GLM", "ADGenDataLoader", "pointer.json", ""), "data", Error, "1234567 bytes")

	h.rows("rows.mindrecord", "rows-2.0.0-one-field.mindrecord.gz") // 129 and 77
	s := h.config("Llama", "MindDataset", "rows.mindrecord", "")
	h.finds(s, "data", OK, "1 MindRecord")
	f = h.finds(s, "seq-length", Error, "rows of 77 tokens")
	require.Contains(t, f.Why.EN, "rows of 129")
	h.finds(h.config("GLM", "MindDataset", "rows.mindrecord", ""), "seq-length", Error, "rows of 129 tokens")
	require.NoError(t, os.Remove(filepath.Join(h.dir, "rows.mindrecord.db")))
	h.finds(s, "data", Error, "lacks its index")
}

func TestTheTokenizerIsComparedWithTheVocabulary(t *testing.T) {
	h := newHouse(t)
	s := h.config("Llama", "MindDataset", "", "")
	h.finds(s, "tokenizer", Error, "no such file")
	piece := "\x0a\x03\x0a\x01x" // field 1: a piece
	h.file("tokenizer.model", strings.Repeat(piece, 10)+"\x12\x02\x08\x01")
	h.finds(s, "tokenizer", OK, "10 tokens")
	h.file("tokenizer.model", strings.Repeat(piece, 11))
	h.finds(s, "tokenizer", Error, "11 tokens, and vocab_size is 10")
	h.file("tokenizer.model", "<html>")
	h.finds(s, "tokenizer", Error, "not a SentencePiece model")
	h.file("tokenizer.model", pointer(499723))
	h.finds(s, "tokenizer", Error, "499723 bytes")
	h.finds(s, "lfs", Error, "tokenizer.model is a pointer")
	h.file("shard.bin", pointer(13e9))
	f := h.finds(s, "lfs", Error, "2 files in "+h.dir+" are pointers of git-lfs, for 13 GB: shard.bin, tokenizer.model")
	require.Contains(t, f.Remedy.EN, `only: "*"`)
	require.NoError(t, os.Remove(filepath.Join(h.dir, "shard.bin")))
}

// safetensors writes a file with the given shapes, full of zeros.
func (h *house) safetensors(name string, shapes map[string][]int64) string {
	h.t.Helper()
	header, at := map[string]any{}, int64(0)
	for tensor, shape := range shapes {
		size := int64(4)
		for _, n := range shape {
			size *= n
		}
		header[tensor] = map[string]any{"dtype": "F32", "shape": shape, "data_offsets": []int64{at, at + size}}
		at += size
	}
	text, err := json.Marshal(header)
	require.NoError(h.t, err)
	file := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	file = append(append(file, text...), make([]byte, at)...)
	return h.file(name, string(file))
}

func TestWeightsAreComparedWithTheModel(t *testing.T) {
	h := newHouse(t)
	shapes := func(vocabulary, hidden, layers int64) map[string][]int64 {
		all := map[string][]int64{"model.tok_embeddings.embedding_weight": {vocabulary, hidden}}
		for n := range layers {
			all[fmt.Sprintf("model.layers.%d.attention.wq.weight", n)] = []int64{hidden, hidden}
		}
		return all
	}
	h.finds(h.config("Llama", "MindDataset", "", ""), "weights", Error, "load_checkpoint is empty")
	h.finds(h.config("Llama", "MindDataset", "", "llama_7b"), "weights", OK, "downloads its own")
	h.finds(h.config("Llama", "MindDataset", "", "w/gone.ckpt"), "weights", Error, "no such file")
	s := h.config("Llama", "MindDataset", "", "w.safetensors")
	h.safetensors("w.safetensors", shapes(10, 4, 2))
	h.finds(s, "weights", OK, "3 tensors")
	h.safetensors("w.safetensors", shapes(11, 4, 2))
	f := h.finds(s, "weights", Error, "has 11 tokens, and the config says model.model_config.vocab_size: 10")
	require.Contains(t, f.Remedy.EN, "vocab_size=11")
	h.safetensors("w.safetensors", shapes(10, 8, 2))
	h.finds(s, "weights", Error, "8 numbers a token")
	h.safetensors("w.safetensors", shapes(10, 4, 3))
	h.finds(s, "weights", Error, "3 layers")
	whole, err := os.ReadFile(h.safetensors("w.safetensors", shapes(10, 4, 2)))
	require.NoError(t, err)
	h.file("w.safetensors", string(whole[:len(whole)-1]))
	h.finds(s, "weights", Error, "not a complete checkpoint")
	h.file("w.safetensors", pointer(13476850247))
	h.finds(s, "weights", Error, "13476850247 bytes")
}

func TestTheConfigAndTheMachine(t *testing.T) {
	h := newHouse(t)
	s := h.config("Llama", "MindDataset", "", "")
	h.finds(s, "config", OK, "run.yaml")
	h.finds(s, "workers", OK, "is 1")
	text, err := os.ReadFile(s.Config)
	require.NoError(t, err)
	many := strings.NewReplacer("workers: 1", fmt.Sprintf("workers: %d", runtime.NumCPU()+1), "CPU", "Ascend").Replace(string(text))
	s = h.subject(s.Env)
	s.Config = h.file("many.yaml", many)
	h.finds(s, "workers", Error, "processors")
	h.finds(s, "cards", Error, "no npu-smi")
	s = h.subject(s.Env)
	s.Config = h.file("wrong.yaml", "a: [\n")
	h.finds(s, "config", Error, "cannot be read")
	s = h.subject(s.Env)
	s.Config = h.file("other.yaml", "a: 1\n")
	h.finds(s, "config", Error, "not a config of mindformers")
	require.NotEmpty(t, Examine(t.Context(), s, "limits"))
	require.NotEmpty(t, Examine(t.Context(), s, "space"))
}

func TestTheSourceOfMindformers(t *testing.T) {
	h := newHouse(t)
	s := h.subject(h.env("env", "3.7", healthy...))
	s.Checkout = filepath.Join(h.dir, "mf")
	h.finds(s, "source", Error, "not a checkout")
	h.file("mf/mindformers/__init__.py", "")
	h.file("mf/setup.py", "version = '0.6.0'\n")
	h.finds(s, "source", Warning, "is mindformers 0.6.0")
	h.file("mf/setup.py", "    version_info = sys.version_info\n    setup(name='mindformers', version='0.8.0', packages=[])\n")
	h.finds(s, "source", OK, "0.8.0")
}

func TestCardsAsTheDriverShowsThem(t *testing.T) {
	h := newHouse(t)
	table, err := filepath.Abs("../../launcher/devices/testdata/23.0-910B3.txt")
	require.NoError(t, err)
	text, err := os.ReadFile(table)
	require.NoError(t, err)
	smi := func(text string) *Subject {
		program := h.file("npu-smi", "#!/bin/sh\n[ \"$1 $2\" = \"info \" ] || exit 1\ncat <<'END'\n"+text+"\nEND\n")
		require.NoError(t, os.Chmod(program, 0o700))
		s := h.subject(h.env("env", "3.9", healthy...))
		s.SMI = &devices.SMI{Path: program}
		return s
	}
	found := Examine(t.Context(), smi(string(text)), "cards")
	require.NotEmpty(t, found)
	h.finds(smi(strings.Replace(string(text), "| OK ", "| Alarm ", 1)), "cards", Error, "is in the state Alarm")
	h.finds(smi("dcmi module initialize failed. ret is -8005"), "cards", Error, "")
}

func TestACheckThatHangsIsLeft(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	checks := []Check{
		{ID: "hangs", look: func(context.Context, *Subject) []Finding { <-release; return nil }},
		{ID: "fine", look: func(context.Context, *Subject) []Finding { return fine("good", "好") }},
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	findings := examine(ctx, nil, checks)
	require.Len(t, findings, 2, "the others say what they found")
	require.Equal(t, "hangs", findings[0].Check)
	require.Contains(t, findings[0].Found.EN, "cut off after 10s")
	require.Equal(t, "good", findings[1].Found.EN)

	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	require.Empty(t, examine(ctx, nil, checks[:1]), "whoever does not wait is not told of a limit")
}

// A slow check holds up no other: these two wait for each other.
func TestChecksLookAtTheSameTime(t *testing.T) {
	hand := make(chan struct{})
	findings := examine(t.Context(), nil, []Check{
		{ID: "a", look: func(context.Context, *Subject) []Finding { hand <- struct{}{}; return fine("first", "") }},
		{ID: "b", look: func(context.Context, *Subject) []Finding { <-hand; return fine("second", "") }},
	})
	require.Len(t, findings, 2)
	require.Equal(t, "first", findings[0].Found.EN, "in their order")
}

func TestTheTableOfStacksCanBeRead(t *testing.T) {
	for _, r := range stacks() {
		require.True(t, allows(r.Mindspore, r.Released), r)
		require.NotEmpty(t, r.Python)
	}
}
