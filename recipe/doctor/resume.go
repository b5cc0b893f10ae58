package doctor

import (
	"context"
	"os"
	"path/filepath"

	"ftd/checkpoint"
	"ftd/recipe/expression"
)

var rankDir = expression.Lazily(`^rank_\d+$`)

// resume looks whether a config that is to go on from a checkpoint can: by the
// rules of mindformers, which differ with its version. Trainings that ftd
// itself resumes do not need resume_training in the config.
func resume(ctx context.Context, s *Subject) []Finding {
	c, err := s.config()
	if err != nil || c == nil || c.unknown("resume_training") || c.unknown("load_checkpoint") {
		return nil
	}
	word, named := c.at("resume_training").(string)
	named = named && word != ""
	if !named && !c.truth("resume_training") {
		return nil
	}
	path := c.file("load_checkpoint")
	info, err := os.Stat(path)
	switch {
	case named && s.before("1.0"):
		return data(Warning, say("resume_training is %s, and mindformers %s knows True and False only", "resume_training 为 %s，而 mindformers %s 只接受 True 与 False", word, s.mindformers()),
			say("the name counts as True, and load_checkpoint decides from where it goes on", "该名字会被当作 True，从何处继续由 load_checkpoint 决定"),
			s.patch("resume_training=true"))
	case path == "":
		return data(Warning, say("resume_training is set, and load_checkpoint is empty", "设置了 resume_training，但 load_checkpoint 为空"),
			say("there is nothing to go on from: the training may begin anew", "没有可继续的权重：训练可能从头开始"),
			s.patch("load_checkpoint=PATH"))
	case err != nil || info.IsDir():
		return nil // the check of the weights says what is wrong with them
	case filepath.Ext(path) == ".safetensors" && rankDir().MatchString(filepath.Base(filepath.Dir(path))) && s.Workers <= 1 && !c.truth("use_parallel") && s.since("1.5"):
		return data(Error, say("load_checkpoint is below %s, for a training on one card", "load_checkpoint 位于 %s 目录下，而训练只用一张卡", filepath.Base(filepath.Dir(path))),
			say("mindformers ends: when input checkpoint file is rank dir, Please set use_parallel: True", "mindformers 会报 when input checkpoint file is rank dir, Please set use_parallel: True 并结束"),
			say("copy the file into a directory of another name, and name it there; ftd does so when it resumes", "请将文件复制到其他名字的目录并在 load_checkpoint 中指定；由 ftd 继续训练时会自动处理"))
	}
	found := map[string]bool{}
	if _, err := checkpoint.Inspect(ctx, path, checkpoint.Options{}, func(t *checkpoint.Tensor) error {
		found[t.Name] = true
		return nil
	}); err != nil || found["epoch_num"] && found["step_num"] {
		return nil
	}
	return data(Warning, say("resume_training is set, and %s does not say which step it was saved at", "设置了 resume_training，但 %s 中没有记录步数", path),
		say("weights alone hold no epoch_num and step_num, and no state of the optimizer: the training begins at step 1, or ends", "仅含权重的文件没有 epoch_num、step_num 与优化器状态：训练会从第 1 步开始或报错结束"),
		say("name a checkpoint that CheckpointMonitor saved (ftctl ckpt ls DIR), or set resume_training to False", "请指定由 CheckpointMonitor 保存的权重（ftctl ckpt ls DIR），或将 resume_training 设为 False"))
}
