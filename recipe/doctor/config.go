package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"ftd/recipe/yamledit"
)

// config is a mindformers YAML with its aliases followed.
type config struct {
	path string
	tree map[string]any
	dir  string // relative paths start here: where the training runs
}

// readConfig reads a config from text, or if that is nil from its file.
func readConfig(path string, text []byte, dir string) (*config, error) {
	if text == nil {
		var err error
		if text, err = os.ReadFile(path); err != nil {
			return nil, err
		}
	}
	c := &config{path: path, dir: dir}
	return c, yamledit.Read(text, &c.tree)
}

// at returns the value at a path such as "model.model_config.seq_length"; nil
// if there is none.
func (c *config) at(path string) any {
	var v any = c.tree
	for _, name := range strings.Split(path, ".") {
		switch node := v.(type) {
		case map[string]any:
			v = node[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(node) {
				return nil
			}
			v = node[i]
		default:
			return nil
		}
	}
	return v
}

func (c *config) text(path string) string {
	if v := c.at(path); v != nil {
		return fmt.Sprint(v)
	}
	return ""
}

// unknown says that a step has yet to make the value at a path.
func (c *config) unknown(path string) bool { return strings.Contains(c.text(path), Unknown) }

// oneOf says whether the text at a path is one of some.
func (c *config) oneOf(path string, texts []string) bool {
	return slices.Contains(texts, c.text(path))
}

// truth returns a yes or no; no if there is none.
func (c *config) truth(path string) bool {
	v, _ := c.at(path).(bool)
	return v
}

// number returns a whole number; 0 if there is none.
func (c *config) number(path string) int64 {
	switch v := c.at(path).(type) {
	case int:
		return int64(v)
	case int64:
		return v
	case uint64:
		return int64(min(v, 1<<62))
	case float64:
		return int64(v)
	}
	return 0
}

// file makes the path at a place absolute, as the training will read it.
func (c *config) file(path string) string {
	name := c.text(path)
	if name == "" || filepath.IsAbs(name) || strings.Contains(name, "://") {
		return name
	}
	return filepath.Join(c.dir, name)
}

// model names the architecture, such as "LlamaForCausalLM LlamaConfig".
func (c *config) model() string {
	return c.text("model.arch.type") + " " + c.text("model.model_config.type")
}

// configured looks whether the config can be read at all.
func configured(_ context.Context, s *Subject) []Finding {
	c, err := s.config()
	if err == nil && c == nil {
		return nil
	}
	if err != nil {
		return []Finding{{
			Level:  Error,
			Found:  say("the config %s cannot be read: %v", "无法读取配置 %s：%v", s.Config, err),
			Why:    say("mindformers ends at once", "mindformers 会立即退出"),
			Remedy: say("correct the file; ftctl config patch sets values without breaking it", "请修正该文件；ftctl config patch 可安全地设置其中的值"),
		}}
	}
	if c.at("model") == nil || c.at("runner_config") == nil {
		return []Finding{{
			Level:  Error,
			Found:  say("%s is not a config of mindformers: it lacks model or runner_config", "%s 不是 mindformers 的配置：缺少 model 或 runner_config", s.Config),
			Why:    say("mindformers ends at once", "mindformers 会立即退出"),
			Remedy: say("take one of the files in the configs directory of mindformers", "请使用 mindformers 的 configs 目录中的文件"),
		}}
	}
	if c.at("model.model_config.position_encoding_2d") == false && c.text("model.model_config.type") == "GLMConfig" {
		return data(Warning, say("position_encoding_2d is False for a ChatGLM-6B", "ChatGLM-6B 的 position_encoding_2d 为 False"),
			say("its weights were trained with positions in two rows: without them the loss begins high and stays there", "其权重以二维位置编码训练：否则损失一开始就很高且不下降"),
			s.patch("model.model_config.position_encoding_2d=true"))
	}
	return fine("%s", "%s", s.Config)
}
