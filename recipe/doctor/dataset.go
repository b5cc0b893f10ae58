package doctor

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ftd/recipe/fault"
)

const datasetDir = "train_dataset.data_loader.dataset_dir"

// dataset looks whether the training data is where the config says, and of the
// kind that its loader reads. MindDataset takes a file whose name has
// ".mindrecord" in it, or a directory of those (mindformers r0.6 to r1.8.0,
// causal_language_model_dataset.py). ADGenDataLoader takes one JSON file, and in
// 0.6 the directory with train.json and dev.json (adgen_dataloader.py).
func dataset(_ context.Context, s *Subject) []Finding {
	c, err := s.config()
	if err != nil || c == nil || c.at("train_dataset.data_loader") == nil || c.unknown(datasetDir) {
		return nil
	}
	path, loader := c.file(datasetDir), c.text("train_dataset.data_loader.type")
	if path == "" {
		return data(Error, say("the config names no training data (%s)", "配置没有指定训练数据（%s）", datasetDir),
			say("the training ends once its data is read", "训练会在读取数据时结束"),
			s.patch(datasetDir+"=PATH"))
	}
	info, err := os.Stat(path)
	if err != nil {
		return data(Error, say("the training data %s cannot be read: %v", "无法读取训练数据 %s：%v", path, fault.Reason(err)),
			say("the training ends once its data is read", "训练会在读取数据时结束"),
			s.patch(datasetDir+"=PATH"))
	}
	if pointer := lfsPointer(path); pointer != "" {
		return []Finding{lfsFinding(path, pointer)}
	}
	switch {
	case loader == "MindDataset":
		return mindDataset(c, path, info)
	case loader == "ADGenDataLoader" && s.before("0.7"):
		return c.adgenDirectory(path, info)
	case loader == "ADGenDataLoader" && info.IsDir() && s.since("0.7"):
		return data(Error, say("%s is a directory, and ADGenDataLoader reads a file", "%s 是目录，而 ADGenDataLoader 读取文件", path),
			say("the training ends: the file is not existed", "训练会报 is not existed 并结束"),
			say("name the file in it, such as %s", "请指定其中的文件，例如 %s", filepath.Join(path, "train.json")))
	case info.Mode().IsRegular() && info.Size() == 0:
		return data(Error, say("%s is empty", "%s 是空文件", path), say("there is nothing to train on", "没有可训练的数据"), say("make it again", "请重新生成"))
	case loader == "ADGenDataLoader" && info.Mode().IsRegular():
		return c.adgenRows(path)
	}
	return fine("%s", "%s", path)
}

// data is a finding about the training data.
func data(level Level, found, why, remedy Text) []Finding {
	return []Finding{{Level: level, Found: found, Why: why, Remedy: remedy}}
}

// adgenDirectory is for mindformers 0.6.
func (c *config) adgenDirectory(path string, info fs.FileInfo) []Finding {
	if !info.IsDir() {
		return data(Error, say("%s is a file, and ADGenDataLoader of mindformers 0.6 reads a directory", "%s 是文件，而 mindformers 0.6 的 ADGenDataLoader 读取目录", path),
			say("the training ends: it is not existed", "训练会报 is not existed 并结束"),
			say("name the directory %s, and let the file in it be train.json", "请指定目录 %s，并将其中的文件命名为 train.json", filepath.Dir(path)))
	}
	if _, err := os.Stat(filepath.Join(path, "train.json")); err != nil {
		return data(Error, say("%s holds no train.json", "%s 中没有 train.json", path),
			say("ADGenDataLoader of mindformers 0.6 reads that file and no other", "mindformers 0.6 的 ADGenDataLoader 只读取该文件"),
			say("unpack the data there", "请将数据解压到该目录"))
	}
	return c.adgenRows(filepath.Join(path, "train.json"))
}

func mindDataset(c *config, path string, info fs.FileInfo) []Finding {
	files := recordFiles(path, info)
	if len(files) == 0 {
		return data(Error, say("%s holds no .mindrecord", "%s 中没有 .mindrecord 文件", path),
			say("MindDataset reads files with .mindrecord in their names only; the training ends with: dataset files list is empty", "MindDataset 只读取名字中含 .mindrecord 的文件；训练会报 dataset files list is empty"),
			say("run the preprocessing, and name its output", "请先运行预处理，并指定其输出"))
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err == nil && info.Size() == 0 {
			f := data(Error, say("%s is empty: its writer was interrupted", "%s 是空文件：写入被中断", file),
				say("it cannot be read, and a new preprocessing refuses to replace it: mindrecord files already exist", "它不可读，且重新预处理会报 mindrecord files already exist"),
				say("rm %[1]s %[1]s.db, and run the preprocessing again", "rm %[1]s %[1]s.db，然后重新预处理", Quoted(file)))
			f[0].Fix = &Fix{Does: "rm " + quotedAll([]string{file, file + ".db"}), Do: func(context.Context) error {
				os.Remove(file + ".db") // it may not be there
				return os.Remove(file)
			}}
			return f
		}
		if _, err := os.Stat(file + ".db"); err != nil {
			return data(Error, say("%s lacks its index %s.db", "%s 缺少索引 %s.db", file, filepath.Base(file)),
				say("MindDataset opens both", "MindDataset 需要同时打开两者"),
				say("move the two together, or run the preprocessing again", "请将两者一起移动，或重新预处理"))
		}
	}
	if missing := c.missingColumns(files[0]); missing != "" {
		return data(Error, say("%s has no column %s, which input_columns names", "%s 没有 input_columns 中的列 %s", files[0], missing),
			say("the training ends once its data is read; the data was made for another model, or without labels", "训练会在读取数据时结束；数据是为其他模型生成的，或没有 labels"),
			say("run the preprocessing that belongs to the model: mindrecord for LLaMA (with labels), adgen for ChatGLM", "请运行与模型配套的预处理：LLaMA 用 mindrecord（含 labels），ChatGLM 用 adgen"))
	}
	return fine("%s, %d MindRecord files", "%s，共 %d 个 MindRecord 文件", path, len(files))
}

// missingColumns names the input_columns that a MindRecord lacks; "" if it has
// all, or cannot be read, which the check of its rows says.
func (c *config) missingColumns(file string) string {
	columns, _ := c.at("train_dataset.input_columns").([]any)
	has, err := recordFields(file)
	if err != nil {
		return ""
	}
	var missing []string
	for _, column := range columns {
		if name := fmt.Sprint(column); !slices.Contains(has, name) {
			missing = append(missing, name)
		}
	}
	return strings.Join(missing, ", ")
}

// mostRecords bounds how many files are looked at: a corpus may be split into
// thousands.
const mostRecords = 256

// recordFiles lists the MindRecord files that MindDataset would read, or the
// first of them.
func recordFiles(path string, info fs.FileInfo) []string {
	if !info.IsDir() {
		if strings.Contains(filepath.Base(path), ".mindrecord") {
			return []string{path}
		}
		return nil
	}
	var files []string
	_ = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(d.Name(), ".mindrecord") && !strings.HasSuffix(d.Name(), ".db") {
			files = append(files, p)
		}
		if len(files) == mostRecords {
			return fs.SkipAll
		}
		return nil // what cannot be read is not used either
	})
	return files
}
