package checkpoint

import (
	"bytes"
	"path/filepath"
)

// signature is the beginning of a file that is no checkpoint but is found where
// one should be.
type signature struct {
	head   string
	reason string
	format string // set where it would be a checkpoint but for the reason
}

var signatures = []signature{
	{"version https://git-lfs", "a Git LFS pointer, not the file itself; fetch it with: git lfs pull", ""},
	{"<!doctype html", "a web page, saved instead of the file; the download went wrong", ""},
	{"<html", "a web page, saved instead of the file; the download went wrong", ""},
	{"<?xml", "an XML answer of a server, saved instead of the file; the link has probably expired", ""},
	{"\xd8\x5e\x3a\x7f", "encrypted (AES-GCM): it cannot be checked without its key", FormatCkpt},
	{"\xd9\x5e\x3a\x7f", "encrypted (AES-CBC): it cannot be checked without its key", FormatCkpt},
	{"\xda\x5e\x3a\x7f", "encrypted (SM4-CBC): it cannot be checked without its key", FormatCkpt},
	{"PK\x03\x04", "a zip archive, such as PyTorch writes; convert it to a MindSpore checkpoint", ""},
	{"\x80\x02", "a Python pickle, such as older PyTorch writes; convert it to a MindSpore checkpoint", ""},
	{"\x1f\x8b", "compressed with gzip; unpack it first", ""},
	{"\xfd7zXZ\x00", "compressed with xz; unpack it first", ""},
	{"\x28\xb5\x2f\xfd", "compressed with zstd; unpack it first", ""},
	{"\x89HDF\r\n", "an HDF5 file, not a MindSpore checkpoint", ""},
	{"GGUF", "a GGUF file, not a MindSpore checkpoint", ""},
	{"\x7fELF", "a program, not a checkpoint", ""},
}

// headLen is how much of a file is looked at to find out what it is.
const headLen = 64

// foreign says what a file is that begins with head, if it is known not to be
// a readable checkpoint.
func foreign(head []byte) (signature, bool) {
	if isSafetensors(head) {
		return signature{}, false // its length may begin like anything
	}
	text := bytes.ToLower(bytes.TrimLeft(head, " \t\r\n\ufeff"))
	for _, s := range signatures {
		if bytes.HasPrefix(head, []byte(s.head)) || s.head[0] == '<' && bytes.HasPrefix(text, []byte(s.head)) {
			return s, true
		}
	}
	if len(bytes.Trim(head, "\x00")) == 0 {
		return signature{reason: "begins with zeros: its space was reserved, but nothing was written"}, true
	}
	return signature{}, false
}

// guessFormat tells the formats apart by what is in the file: both are found
// under the other's name. The name decides where the beginning is too short.
func guessFormat(path string, head []byte) string {
	if isSafetensors(head) {
		return FormatSafetensors
	}
	if filepath.Ext(path) == ".safetensors" && (len(head) <= lengthBytes || head[0] != recordKey) {
		return FormatSafetensors
	}
	return FormatCkpt
}

// isSafetensors says whether head is a length of less than 1 TiB and the
// beginning of a JSON object.
func isSafetensors(head []byte) bool {
	return len(head) > lengthBytes && head[lengthBytes] == '{' && bytes.Equal(head[5:8], []byte{0, 0, 0})
}

// notCheckpoint says what a file is whose name says that it holds no weights,
// or whose beginning is not a checkpoint's.
func notCheckpoint(path string, why string) string {
	switch ParseName(path).Kind {
	case KindStrategy:
		return "not a checkpoint: a strategy file, which says how the tensors are split over the cards"
	case KindGraph:
		return "not a checkpoint: the compiled graph, which is written beside the checkpoints"
	case KindOther:
		if filepath.Base(path) == "meta.json" {
			return "not a checkpoint: the index that mindformers keeps of its last one"
		}
	}
	return "not a MindSpore checkpoint: " + why
}
