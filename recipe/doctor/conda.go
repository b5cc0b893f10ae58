package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
)

// conda looks at its channels: "Solving environment" goes on for hours where a
// channel is listed that does not answer, or several that contradict.
func conda(_ context.Context, s *Subject) []Finding {
	if s.Home == "" {
		return nil
	}
	file := filepath.Join(s.Home, ".condarc")
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var settings struct {
		Channels []string `yaml:"channels"`
	}
	if err == nil {
		err = yaml.Unmarshal(text, &settings)
	}
	if err != nil {
		return []Finding{{
			Level:  Warning,
			Found:  say("%s cannot be read: %v", "无法读取 %s：%v", file, err),
			Why:    say("conda refuses to start", "conda 将拒绝启动"),
			Remedy: say("mend or remove the file", "请修正或删除该文件"),
		}}
	}
	if len(settings.Channels) == 0 || len(settings.Channels) == 1 && settings.Channels[0] == "defaults" {
		return fine("no channels of your own", "没有自定义频道")
	}
	return []Finding{{
		Level:  Warning,
		Found:  say("%s lists %s", "%s 中列有 %s", file, strings.Join(settings.Channels, ", ")),
		Why:    say("conda may hang at \"Solving environment\"", "conda 可能卡在 “Solving environment”"),
		Remedy: say("conda config --remove-key channels", "conda config --remove-key channels"),
		Fix: &Fix{
			Does: "conda config --remove-key channels",
			Do:   func(context.Context) error { return withoutChannels(file, text) },
		},
	}}
}
