package doctor

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"

	"ftd/recipe/expression"
)

// parallel compares the config's ideas of several cards with how many processes
// there will be. What parallel_config says does not matter to one process:
// mindformers sets data_parallel to 1 then (base_trainer.py).
func parallel(_ context.Context, s *Subject) []Finding {
	c, err := s.config()
	if err != nil || c == nil || c.at("use_parallel") == nil || c.unknown("use_parallel") {
		return nil
	}
	use := c.truth("use_parallel")
	switch {
	case use && s.Workers <= 1 && s.variable("RANK_TABLE_FILE") == "" && s.variable("MS_ROLE") == "":
		f := Finding{
			Level: Warning,
			Found: say("use_parallel is True, for a training on one card", "use_parallel 为 True，而训练只用一张卡"),
			Why: say("the process looks for others and ends: RANK_TABLE_FILE or MS_ROLE is not set, or Ascend collective communication initialization failed",
				"进程会寻找其他进程并报错结束：未设置 RANK_TABLE_FILE 或 MS_ROLE，或 Ascend collective communication initialization failed"),
			Remedy: s.patch("use_parallel=false"),
		}
		if s.Workers == 1 {
			f.Level = Error
		}
		return []Finding{f}
	case !use && s.Workers > 1:
		return []Finding{{
			Level:  Error,
			Found:  say("use_parallel is False, for a training of %d processes", "use_parallel 为 False，而训练有 %d 个进程", s.Workers),
			Why:    say("each of them trains a model of its own on the same data, and all write to the same places", "每个进程都会用同样的数据训练各自的模型，并写入相同的位置"),
			Remedy: s.patch("use_parallel=true"),
		}}
	case use && s.Workers > 1:
		product := int64(1)
		for _, name := range []string{"data_parallel", "model_parallel", "pipeline_stage", "context_parallel"} {
			product *= max(1, c.number("parallel_config."+name))
		}
		if product != int64(s.Workers) {
			return []Finding{{
				Level:  Warning,
				Found:  say("parallel_config is made for %d cards, and there are %d processes", "parallel_config 对应 %d 张卡，而进程有 %d 个", product, s.Workers),
				Why:    say("mindformers ends, or splits the model in another way than you want", "mindformers 会报错结束，或以非预期的方式切分模型"),
				Remedy: say("let data_parallel × model_parallel × pipeline_stage be %d", "请使 data_parallel × model_parallel × pipeline_stage 等于 %d", s.Workers),
			}}
		}
	}
	return fine("use_parallel is %t", "use_parallel 为 %t", use)
}

// patch is the remedy that sets values of the config, each as PATH=VALUE.
func (s *Subject) patch(settings ...string) Text {
	if !filepath.IsAbs(s.Config) {
		keys := strings.ReplaceAll(strings.Join(settings, ", "), "=", ": ")
		return say("add %s to the set: of the step that writes the config", "请在写出配置的步骤的 set: 中加入 %s", keys)
	}
	words := Quoted(s.Config) + " --write " + strings.Join(settings, " ")
	return say("ftctl config patch %s", "ftctl config patch %s", words)
}

var gigabytes = expression.Lazily(`^\s*(\d+(?:\.\d+)?)\s*GB?\s*$`)

// deviceMemory compares max_device_memory with what the cards have.
func deviceMemory(ctx context.Context, s *Subject) []Finding {
	c, err := s.config()
	smi := s.smi()
	if err != nil || c == nil || smi == nil {
		return nil
	}
	m := gigabytes().FindStringSubmatch(c.text("context.max_device_memory"))
	if m == nil || strings.EqualFold(c.text("context.device_target"), "CPU") {
		return nil
	}
	want, _ := strconv.ParseFloat(m[1], 64)
	shot, err := s.cards(ctx, smi)
	if err != nil {
		return nil // said by the check of the cards
	}
	for _, d := range shot.Devices {
		has := float64(d.Memory.Total) / 1024
		if d.Memory.Total == 0 || want < has {
			continue
		}
		fits := int(has * 0.9)
		return []Finding{{
			Level:  Error,
			Found:  say("max_device_memory is %s GB, and card %d has %.1f GB", "max_device_memory 为 %s GB，而第 %d 张卡只有 %.1f GB", m[1], d.Logical, has),
			Why:    say("MindSpore ends: max_device_memory should be in range", "MindSpore 会报 max_device_memory should be in range 并结束"),
			Remedy: s.patch("context.max_device_memory=" + strconv.Itoa(fits) + "GB"),
		}}
	}
	return fine("max_device_memory is %s GB", "max_device_memory 为 %s GB", m[1])
}
