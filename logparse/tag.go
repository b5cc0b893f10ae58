package logparse

import "bytes"

// tag reports whether this may stand before what a program prints: nothing, or
// what launchers, containers, loggers and grep put there: "[1,0]<stdout>:",
// "[rank0]: ", "node1: ", "3: " (srun --label), "trainer-1  | ", "worker_0.log:",
// "(Worker pid=12) ", a time of any form, or the time and the stream of a
// container's log.
func tag(b []byte) bool {
	b = bytes.TrimSpace(b)
	last := b[bytes.LastIndexByte(b, ' ')+1:]
	switch {
	case len(b) == 0, bytes.HasSuffix(b, []byte(" stdout F")), bytes.HasSuffix(b, []byte(" stderr F")):
		return true
	case last[len(last)-1] == ']', last[len(last)-1] == '|', bytes.HasSuffix(last, []byte("]:")), bytes.HasSuffix(last, []byte(">:")):
		return true
	case last[len(last)-1] == ')':
		return b[0] == '('
	case last[len(last)-1] == ':' && len(last) == len(b):
		return true
	}
	return holdsTime(last) || digitsFrom(b, 0) == len(b)
}

// holdsTime reports whether a word is a time, or a logger's that begins with one:
// "05:10:11.123", "2026-11-29T05:10:11+08:00", "05:10:11,123:INFO:".
func holdsTime(word []byte) bool {
	for {
		colon := bytes.IndexByte(word, ':')
		if colon < 0 || len(word) < colon+6 {
			return false
		}
		if colon >= 2 && digitsFrom(word, colon-2) >= colon && word[colon+3] == ':' &&
			digitsFrom(word, colon+1) == colon+3 && digitsFrom(word, colon+4) >= colon+6 {
			return true
		}
		word = word[colon+1:]
	}
}

// digitsFrom returns where the digits at b[i:], and a point among them, end.
func digitsFrom(b []byte, i int) int {
	for i < len(b) && (b[i]-'0' <= 9 || b[i] == '.') {
		i++
	}
	return i
}
