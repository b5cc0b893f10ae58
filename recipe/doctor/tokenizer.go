package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"ftd/recipe/fault"
)

// sentencePieces are the tokenizers of mindformers that read a SentencePiece
// model and nothing else.
var sentencePieces = []string{"LlamaTokenizer", "ChatGLMTokenizer", "ChatGLM2Tokenizer", "ChatGLM3Tokenizer"}

// tokenizer compares the tokens of the tokenizer with the rows of the model's
// embedding: a token without a row ends the training, on a card without a word.
func tokenizer(_ context.Context, s *Subject) []Finding {
	c, err := s.config()
	if err != nil || c == nil {
		return nil
	}
	place := "train_dataset.tokenizer"
	if c.text(place+".vocab_file") == "" {
		place = "processor.tokenizer"
	}
	want := c.number("model.model_config.vocab_size")
	path := c.file(place + ".vocab_file")
	if path == "" || c.unknown(place+".vocab_file") {
		return nil
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && place == "processor.tokenizer" {
		return nil // it is for inference
	}
	unread := func(what, remedy Text) []Finding {
		return data(Error, what, say("the training ends once its data is read", "训练会在读取数据时结束"), remedy)
	}
	again := say("fetch the file again; for ChatGLM-6B it is ice_text.model, for LLaMA tokenizer.model", "请重新下载；ChatGLM-6B 为 ice_text.model，LLaMA 为 tokenizer.model")
	switch {
	case err != nil:
		return unread(say("the tokenizer %s cannot be read: %v", "无法读取分词器 %s：%v", path, fault.Reason(err)), again)
	case info.IsDir() && c.oneOf(place+".type", sentencePieces):
		return unread(say("the tokenizer %s is a directory, and %s reads a file", "分词器 %s 是目录，而 %s 读取文件", path, c.text(place+".type")),
			say("name the file in it, such as %s", "请指定其中的文件，例如 %s", filepath.Join(path, vocabularyIn(path))))
	}
	if size := lfsPointer(path); size != "" {
		return []Finding{lfsFinding(path, size)}
	}
	tokens, file, err := countTokens(path)
	switch {
	case err != nil && (c.oneOf(place+".type", sentencePieces) || filepath.Ext(path) == ".model"):
		return unread(say("the tokenizer %s cannot be read: %v", "无法读取分词器 %s：%v", path, fault.Reason(err)), again)
	case err != nil || want == 0:
		return nil // of a kind that is not known here
	case tokens <= want:
		return fine("%s with %d tokens for vocab_size %d", "%s，%d 个词元，vocab_size 为 %d", file, tokens, want)
	}
	return []Finding{{
		Level:  Error,
		Found:  say("%s has %d tokens, and vocab_size is %d", "%s 有 %d 个词元，而 vocab_size 为 %d", file, tokens, want),
		Why:    say("tokens from %d on have no row in the embedding", "编号从 %d 起的词元在词嵌入中没有对应行", want),
		Remedy: say("use the tokenizer that belongs to the weights", "请使用与权重配套的分词器"),
	}}
}

// vocabularyIn names the tokenizer's file in a directory.
func vocabularyIn(dir string) string {
	for _, name := range vocabularyFiles {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil && strings.HasSuffix(name, ".model") {
			return name
		}
	}
	return "tokenizer.model"
}
