package logparse

import (
	"bytes"
	"unicode/utf8"
)

// magics are the first bytes of what people take for a log by mistake.
var magics = []struct{ head, name string }{
	{"PK\x03\x04", "a zip file"},
	{"BZh", "compressed with bzip2"},
	{"\xfd7zXZ\x00", "compressed with xz"},
	{"\x28\xb5\x2f\xfd", "compressed with zstd"},
	{"\x04\x22\x4d\x18", "compressed with lz4"},
	{"7z\xbc\xaf\x27\x1c", "a 7z file"},
	{"\x1f\x8b", "compressed with gzip twice"},
}

// refuse recognises by its beginning what cannot be a log.
func refuse(head []byte) error {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.head)) {
			return &InputError{Code: "compressed", Reason: "is " + m.name, Remedy: "unpack it first"}
		}
	}
	if len(head) > 262 && string(head[257:262]) == "ustar" {
		return &InputError{Code: "compressed", Reason: "is a tar archive", Remedy: "unpack it first"}
	}
	if wide(head) {
		return &InputError{Code: "wide-text", Reason: "is text in UTF-16 or UTF-32, which no training writes",
			Remedy: "convert it, for example with: iconv -f UTF-16 -t UTF-8"}
	}
	if binary(head) {
		return &InputError{Code: "binary", Reason: "is a binary file, not a log",
			Remedy: "name the captured output of the training, or rank_N/info.log"}
	}
	return nil
}

// wide recognises text of two or four bytes a character, with a mark at its
// beginning or without, as an editor or a redirection of PowerShell leaves it.
func wide(head []byte) bool {
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) ||
		bytes.HasPrefix(head, []byte("\x00\x00\xfe\xff")) {
		return true
	}
	b := head[:min(len(head), 512)]
	var nul, text [2]int
	for i, c := range b {
		if c == 0 {
			nul[i%2]++
		} else if c >= ' ' && c < 0x7f || c == '\n' || c == '\r' {
			text[i%2]++
		}
	}
	return len(b) >= 8 && (nul[0]+text[1])*10 > len(b)*9 && nul[0]*10 > len(b)*4 && text[1]*10 > len(b)*4 ||
		len(b) >= 8 && (nul[1]+text[0])*10 > len(b)*9 && nul[1]*10 > len(b)*4 && text[0]*10 > len(b)*4
}

// nulRun is more NUL bytes than stand between anything but in a hole, which a
// crash of the machine leaves in a log.
var nulRun = make([]byte, 64)

// binary judges by the share of bytes that no text has. NUL bytes at the
// beginning are passed over: a crash of the machine leaves them in logs.
func binary(head []byte) bool {
	if len(head) > 9 && head[8] == '{' && head[9] == '"' && head[7] == 0 && head[6] == 0 {
		return true // safetensors: the length of a JSON header, then the header
	}
	b := bytes.TrimLeft(head, "\x00")
	if len(b) == 0 {
		return true
	}
	if hole := bytes.Index(b, nulRun); hole > 0 {
		b = b[:hole]
	}
	b = b[:min(len(b), 4096)]
	bad := 0
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n <= 1 && len(b)-i >= utf8.UTFMax ||
			r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != 0x1b && r != '\b' && r != '\f' {
			bad++
		}
		i += max(n, 1)
	}
	return bad*5 > len(b)
}
