package logparse

import "strings"

// withoutControls appends b to dst without terminal colours, NUL bytes (which
// a crash of the machine leaves in files) and other control characters.
func withoutControls(dst, b []byte) []byte {
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c == 0x1b {
			i = escapeEnd(b, i)
			continue
		}
		if c >= ' ' && c != 0x7f || c == '\t' {
			dst = append(dst, c)
		}
	}
	return dst
}

// escapeEnd returns the index of the last byte of the escape sequence at b[i:].
func escapeEnd(b []byte, i int) int {
	if i+1 >= len(b) {
		return i
	}
	switch b[i+1] {
	case '[': // CSI: parameters, then one letter
		for j := i + 2; j < len(b); j++ {
			if b[j] >= 0x40 && b[j] <= 0x7e {
				return j
			}
		}
		return len(b) - 1
	case ']': // OSC: until BEL or ESC \
		for j := i + 2; j < len(b); j++ {
			if b[j] == 0x07 {
				return j
			}
			if b[j] == 0x1b {
				return min(j+1, len(b)-1)
			}
		}
		return len(b) - 1
	}
	return i + 1
}

// text makes a valid string of at most n bytes of b.
func text(b []byte, n int) string {
	if len(b) > n {
		b = b[:n]
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}
