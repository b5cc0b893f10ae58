package doctor

import (
	"context"
	"fmt"
	"os"
	"strings"
)

// looked is how many rows of a MindRecord are looked at.
const looked = 64

// seqLength compares the rows of the training data with the model's
// seq_length. A LLaMA trains on all tokens but the last and is asked for all but
// the first (mindformers r0.6 to r1.8.0, llama.py), so its rows have one token
// more than seq_length; those of a ChatGLM have as many.
func seqLength(_ context.Context, s *Subject) []Finding {
	c, err := s.config()
	if err != nil || c == nil || c.text("train_dataset.data_loader.type") != "MindDataset" {
		return nil
	}
	want := c.number("model.model_config.seq_length")
	path := c.file(datasetDir)
	info, err := os.Stat(path)
	if want == 0 || err != nil || c.unknown(datasetDir) {
		return nil // said by the check of the data
	}
	shifts := strings.Contains(c.model(), "Llama")
	expected := want
	if shifts {
		expected++
	}
	for _, file := range recordFiles(path, info) {
		lengths, err := rowLengths(file, "input_ids", looked)
		if err != nil {
			return []Finding{{
				Level:  Warning,
				Found:  say("%v", "%v", err),
				Why:    say("whether its rows fit the model cannot be told", "无法判断其长度与模型是否匹配"),
				Remedy: say("run the preprocessing again if the training fails while it reads its data", "如果训练在读取数据时失败，请重新预处理"),
			}}
		}
		for _, n := range lengths {
			if n != expected {
				length := fmt.Sprintf("model.model_config.seq_length=%d", n-(expected-want))
				return []Finding{{
					Level: Error,
					Found: say("rows of %d tokens in %s, and seq_length is %d", "每行 %d 个词元（%s），而 seq_length 为 %d", n, file, want),
					Why: say("the model wants rows of %d; the compile ends after many minutes with: need to broadcast",
						"模型需要每行 %d 个词元；编译会在许多分钟后报 need to broadcast", expected),
					Remedy: Text{
						EN: fmt.Sprintf("make the data with seq_length %d, or take the data's length: %s", want, s.patch(length).EN),
						ZH: fmt.Sprintf("请以 seq_length %d 重新生成数据，或采用数据的长度：%s", want, s.patch(length).ZH),
					},
				}}
			}
		}
	}
	return fine("rows of %d tokens for seq_length %d", "每行 %d 个词元，seq_length 为 %d", expected, want)
}
