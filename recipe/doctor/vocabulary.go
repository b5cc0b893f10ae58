package doctor

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

var (
	errNoModel      = errors.New("it is not a SentencePiece model")
	errNoVocabulary = errors.New("it is not a kind of tokenizer that ftd knows")
)

// mostModel bounds a tokenizer's file; that of ChatGLM-6B has 2.7 MB, a
// tokenizer.json of Hugging Face up to 20.
const mostModel = 64 << 20

// vocabularyFiles are what a directory with a tokenizer may hold, the best
// first.
var vocabularyFiles = []string{"tokenizer.model", "ice_text.model", "tokenizer.json", "vocab.json", "vocab.txt"}

// countTokens counts the tokens of a tokenizer: a SentencePiece model, a
// tokenizer.json or vocab.json of Hugging Face, ranks as tiktoken has them, or a
// directory with one of them. It returns the file that was read.
func countTokens(path string) (int64, string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, path, err
	}
	if info.IsDir() {
		for _, name := range vocabularyFiles {
			if inner, err := os.Stat(filepath.Join(path, name)); err == nil && inner.Mode().IsRegular() {
				return countTokens(filepath.Join(path, name))
			}
		}
		return 0, path, errNoVocabulary
	}
	if !info.Mode().IsRegular() || info.Size() > mostModel {
		return 0, path, errNoVocabulary
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, path, err
	}
	switch n, ok := countRanks(text); {
	case ok:
		return n, path, nil
	case filepath.Ext(path) == ".json":
		n, err := countJSON(text)
		return n, path, err
	case filepath.Ext(path) == ".txt":
		return int64(bytes.Count(bytes.TrimSpace(text), []byte("\n"))) + 1, path, nil
	}
	n, err := countPieces(text)
	return n, path, err
}

// countPieces counts the tokens of a SentencePiece model: a protobuf message
// whose field 1 holds them, one each (sentencepiece_model.proto).
func countPieces(text []byte) (int64, error) {
	var pieces int64
	for len(text) > 0 {
		number, kind, n := protowire.ConsumeTag(text)
		if n < 0 {
			return 0, errNoModel
		}
		text = text[n:]
		if n = protowire.ConsumeFieldValue(number, kind, text); n < 0 {
			return 0, errNoModel
		}
		text = text[n:]
		if number == 1 {
			pieces++
		}
	}
	if pieces == 0 {
		return 0, errNoModel
	}
	return pieces, nil
}

// countJSON counts up to the highest number of a token: in vocab.json tokens
// have numbers, in tokenizer.json so do those of the model and those added.
func countJSON(text []byte) (int64, error) {
	var whole struct {
		Model struct {
			Vocab json.RawMessage `json:"vocab"`
		} `json:"model"`
		Added []struct {
			ID int64 `json:"id"`
		} `json:"added_tokens"`
	}
	if json.Unmarshal(text, &whole) != nil {
		return 0, errNoVocabulary
	}
	vocabulary := []byte(whole.Model.Vocab)
	if vocabulary == nil {
		vocabulary = text
	}
	var count int64
	var numbers map[string]int64
	var list []json.RawMessage
	switch {
	case json.Unmarshal(vocabulary, &numbers) == nil:
		for _, n := range numbers {
			count = max(count, n+1)
		}
	case json.Unmarshal(vocabulary, &list) == nil: // of a unigram model
		count = int64(len(list))
	default:
		return 0, errNoVocabulary
	}
	for _, a := range whole.Added {
		count = max(count, a.ID+1)
	}
	if count == 0 {
		return 0, errNoVocabulary
	}
	return count, nil
}

// countRanks counts tokens as tiktoken writes them: one a line, in base64, and
// its rank.
func countRanks(text []byte) (int64, bool) {
	var count int64
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		_, rank, ok := bytes.Cut(line, []byte(" "))
		n, err := strconv.ParseInt(string(rank), 10, 64)
		if !ok || err != nil {
			return 0, false
		}
		count = max(count, n+1)
	}
	return count, count > 0
}
