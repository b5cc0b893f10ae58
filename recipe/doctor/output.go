package doctor

import (
	"context"
	"path/filepath"
)

// output looks at output_dir, which mindformers 0.6 to 0.8 do not let anybody
// change, as their configs say.
func output(_ context.Context, s *Subject) []Finding {
	c, err := s.config()
	if err != nil || c == nil || c.text("output_dir") == "" || c.unknown("output_dir") || !s.before("1.0") {
		return nil
	}
	if dir := filepath.Clean(c.text("output_dir")); dir != "output" {
		return []Finding{{
			Level:  Warning,
			Found:  say("output_dir is %s", "output_dir 为 %s", dir),
			Why:    say("mindformers %s writes to ./output all the same, in part: its logs and checkpoints end in different places", "mindformers %s 仍会把一部分写到 ./output：日志与权重会分散在不同位置", s.mindformers()),
			Remedy: s.patch("output_dir=./output"),
		}}
	}
	return fine("output_dir is ./output", "output_dir 为 ./output")
}
