package doctor

import (
	"context"
	"fmt"
	"runtime"
)

// workers compares the dataset's threads with the processors: MindSpore refuses
// more of them.
func workers(_ context.Context, s *Subject) []Finding {
	c, err := s.config()
	if err != nil || c == nil {
		return nil
	}
	const key = "train_dataset.num_parallel_workers"
	want, has := c.number(key), int64(runtime.NumCPU())
	if want == 0 {
		return nil
	}
	if want <= has {
		return fine("num_parallel_workers is %d, with %d processors", "num_parallel_workers 为 %d，处理器 %d 个", want, has)
	}
	return []Finding{{
		Level:  Error,
		Found:  say("num_parallel_workers is %d, and there are %d processors", "num_parallel_workers 为 %d，而处理器只有 %d 个", want, has),
		Why:    say("MindSpore ends: num_parallel_workers exceeds the boundary", "MindSpore 会报 num_parallel_workers exceeds the boundary 并结束"),
		Remedy: s.patch(fmt.Sprintf("%s=%d", key, has)),
	}}
}
