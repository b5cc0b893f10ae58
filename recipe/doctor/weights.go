package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"ftd/checkpoint"
	"ftd/launcher"
	"ftd/recipe/expression"
	"ftd/recipe/fault"
)

var (
	layerNumber = expression.Lazily(`\blayers\.(\d+)\.`)
	// tokenEmbedding is the table with a row for each token: of LLaMA, of
	// ChatGLM and of ChatGLM2 as mindformers name it.
	tokenEmbedding = expression.Lazily(`(tok_embeddings\.embedding_weight|word_embeddings?\.(embedding_table|embedding_weight|weight)|transformer\.embedding\.embedding_weight)$`)
	modelName      = expression.Lazily(`^[a-z0-9]+(_[a-z0-9]+)+$`)
)

// IsModelName reports whether load_checkpoint names a model of mindformers itself,
// such as llama_7b; a path has a dot or a slash in it.
func IsModelName(name string) bool { return modelName().MatchString(name) }

// weights compares the checkpoint that the training begins from with the model
// of the config, before a compile of ten minutes finds out: mindformers 0.6 then
// trains from random weights, later ones end.
func weights(ctx context.Context, s *Subject) []Finding {
	c, err := s.config()
	if err != nil || c == nil {
		return nil
	}
	if c.unknown("load_checkpoint") {
		return nil
	}
	name, path := c.text("load_checkpoint"), c.file("load_checkpoint")
	switch info, err := os.Stat(path); {
	case name == "" && c.text("run_mode") == "finetune" && !s.since("1.1"):
		return []Finding{{
			Level:  Error,
			Found:  say("the config is to fine-tune, and load_checkpoint is empty", "配置为微调，但 load_checkpoint 为空"),
			Why:    say("mindformers ends: if run status is finetune, load_checkpoint must be input", "mindformers 会报 if run status is finetune, load_checkpoint must be input"),
			Remedy: s.patch("load_checkpoint=PATH"),
		}}
	case name == "" && c.text("run_mode") == "finetune" && c.text("model.model_config.checkpoint_name_or_path") == "" && c.text("pretrained_model_dir") == "":
		return data(Warning, say("the config is to fine-tune, and load_checkpoint is empty", "配置为微调，但 load_checkpoint 为空"),
			say("the training begins from random weights", "训练会从随机权重开始"), s.patch("load_checkpoint=PATH"))
	case name == "":
		return nil
	case err != nil && IsModelName(name):
		if s.refusesName(name) {
			return data(Error, say("load_checkpoint is %s, which is neither a file nor a model that this mindformers knows", "load_checkpoint 为 %s，既不是文件，也不是该 mindformers 支持的模型名", name),
				say("the training ends: it is not a supported default model or a valid path to checkpoint", "训练会报 is not a supported default model or a valid path to checkpoint 并结束"),
				say("name a checkpoint, or a model that mindformers/mindformer_book.py lists", "请指定权重文件，或 mindformers/mindformer_book.py 中列出的模型名"))
		}
		return fine("load_checkpoint is %s: mindformers downloads its own converted checkpoint of that name", "load_checkpoint 为 %s：mindformers 会下载其已转换的同名权重", name)
	case err != nil:
		return []Finding{{
			Level:  Error,
			Found:  say("load_checkpoint %s cannot be read: %v", "无法读取 load_checkpoint %s：%v", path, fault.Reason(err)),
			Why:    say("the training ends: it is not a valid path to checkpoint", "训练会报 is not a valid path to checkpoint 并结束"),
			Remedy: say("correct the path, or use the model's own name, such as llama_7b", "请修正路径，或使用模型名，如 llama_7b"),
		}}
	case info.IsDir():
		return s.weightsDirectory(path)
	}
	if ext := filepath.Ext(path); ext == ".bin" || ext == ".pth" || ext == ".pt" {
		return data(Error, say("load_checkpoint %s is of PyTorch", "load_checkpoint %s 是 PyTorch 格式", path),
			say("MindSpore cannot read it", "MindSpore 无法读取"), convertFirst())
	}
	if size := lfsPointer(path); size != "" {
		return []Finding{lfsFinding(path, size)}
	}
	return s.compare(ctx, c, path)
}

func ifRight(remedy Text) Text {
	return Text{EN: "if the weights are the right ones: " + remedy.EN, ZH: "若权重无误：" + remedy.ZH}
}

// refusesName says whether the mindformers that will run is known not to know a
// model of that name: its names are in one file of Python.
func (s *Subject) refusesName(name string) bool {
	dirs := []string{s.Checkout}
	if s.Checkout == "" {
		dirs = launcher.Glob(s.Env, "lib/python3*/site-packages")
	}
	for _, dir := range dirs {
		text, err := os.ReadFile(filepath.Join(dir, "mindformers", "mindformer_book.py"))
		if err == nil {
			return !s.AnyMindformers && !strings.Contains(string(text), `"`+name+`"`) && !strings.Contains(string(text), `'`+name+`'`)
		}
	}
	return false
}

func convertFirst() Text {
	return say("convert it first: a step with uses: convert, or the recipe with checkpoint= and weights= set", "请先转换：使用 uses: convert 的步骤，或在配方中设置 checkpoint= 与 weights=")
}

// weightsDirectory looks at a directory that load_checkpoint names: of ranks, of
// checkpoints, or from 1.5 on of safetensors.
func (s *Subject) weightsDirectory(path string) []Finding {
	kinds := map[string]bool{}
	entries, err := os.ReadDir(path)
	if err != nil {
		return data(Error, say("load_checkpoint %s cannot be read: %v", "无法读取 load_checkpoint %s：%v", path, fault.Reason(err)),
			say("the training ends once it is loaded", "训练会在加载时结束"), say("correct its owner or its mode", "请更正其属主或权限"))
	}
	for _, e := range entries {
		kinds[filepath.Ext(e.Name())] = true
		if e.IsDir() && (rankDir().MatchString(e.Name()) || strings.HasPrefix(e.Name(), "iteration_")) {
			kinds[".ckpt"] = true
		}
	}
	switch {
	case kinds[".ckpt"], kinds[".safetensors"] && !s.before("1.5"):
		return fine("load_checkpoint is the directory %s", "load_checkpoint 为目录 %s", path)
	case kinds[".safetensors"], kinds[".bin"], kinds[".pth"]:
		return data(Error, say("load_checkpoint %s is a directory with weights of Hugging Face", "load_checkpoint %s 是 Hugging Face 权重目录", path),
			say("this mindformers cannot read them: it takes checkpoints of MindSpore, and safetensors from 1.5 on", "该 mindformers 无法读取：它只接受 MindSpore 权重，1.5 起才支持 safetensors"), convertFirst())
	}
	return data(Error, say("load_checkpoint %s is a directory without checkpoints", "load_checkpoint %s 是没有权重文件的目录", path),
		say("the training ends once it is loaded", "训练会在加载时结束"),
		say("name a .ckpt, or a directory that holds rank_0, rank_1 and so on", "请指定 .ckpt 文件，或含有 rank_0、rank_1 等的目录"))
}

func (s *Subject) compare(ctx context.Context, c *config, path string) []Finding {
	layers, vocabulary, hidden := int64(0), int64(0), int64(0)
	verdict, err := checkpoint.Inspect(ctx, path, checkpoint.Options{}, func(t *checkpoint.Tensor) error {
		if m := layerNumber().FindStringSubmatch(t.Name); m != nil {
			n, _ := strconv.ParseInt(m[1], 10, 64)
			layers = max(layers, n+1)
		}
		// The optimizer keeps tensors of the same names with a prefix.
		if tokenEmbedding().MatchString(t.Name) && len(t.Shape) == 2 && !strings.HasPrefix(t.Name, "adam") {
			vocabulary, hidden = t.Shape[0], t.Shape[1]
		}
		return nil
	})
	if err != nil || !verdict.Complete {
		why := verdict.Reason
		if err != nil {
			why = err.Error()
		}
		return []Finding{{
			Level:  Error,
			Found:  say("load_checkpoint %s is not a complete checkpoint: %s", "load_checkpoint %s 不是完整的权重文件：%s", path, why),
			Why:    say("the training ends once it is loaded, or begins from a part of it", "训练会在加载时结束，或只加载其中一部分"),
			Remedy: say("fetch or convert it again", "请重新下载或转换"),
		}}
	}
	var found []Text
	var settings []string
	for _, size := range []struct {
		key  string
		has  int64
		what Text
	}{
		{"model.model_config.vocab_size", vocabulary, say("tokens", "词表大小")},
		{"model.model_config.hidden_size", hidden, say("numbers a token", "隐藏层维度")},
		{"model.model_config.num_layers", layers, say("layers", "层数")},
	} {
		want := c.number(size.key)
		if want == 0 || size.has == 0 || want == size.has {
			continue
		}
		found = append(found, Text{
			EN: fmt.Sprintf("%d %s, and the config says %s: %d", size.has, size.what.EN, size.key, want),
			ZH: fmt.Sprintf("%s为 %d，而配置中 %s 为 %d", size.what.ZH, size.has, size.key, want),
		})
		settings = append(settings, fmt.Sprintf("%s=%d", size.key, size.has))
	}
	if len(found) > 0 {
		all := found[0]
		for _, more := range found[1:] {
			all.EN, all.ZH = all.EN+"; "+more.EN, all.ZH+"；"+more.ZH
		}
		return []Finding{{
			Level: Error,
			Found: Text{EN: path + " has " + all.EN, ZH: path + " 的" + all.ZH},
			Why: say("the weights would not be loaded; mindformers 0.6 then trains from random ones and says so in one line of its log only",
				"权重将无法加载；mindformers 0.6 会因此从随机权重开始训练，只在日志中写一行"),
			Remedy: ifRight(s.patch(settings...)),
		}}
	}
	return fine("%s, %d tensors that fit the model", "%s，共 %d 个张量，与模型相符", path, verdict.Tensors)
}
