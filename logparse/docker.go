package logparse

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// dockerHead begins each line of the files that Docker keeps of what a container
// prints: {"log":"TEXT\n","stream":"stdout","time":"2026-11-29T05:10:11.123456789Z"}.
const dockerHead = `{"log":"`

// docker reads the lines that such a line holds: mostly one, several where a
// progress bar redraws itself.
func (p *Parser) docker(b []byte) {
	p.inner = unquoted(p.inner[:0], b[len(dockerHead):])
	rest := bytes.TrimRight(p.inner, "\r\n")
	for {
		end := bytes.IndexAny(rest, "\r\n")
		if end < 0 {
			break
		}
		p.innerLine(rest[:end])
		rest = rest[end+1:]
	}
	p.innerLine(rest)
}

// innerLine is line, but for what a container could wrap up a second time.
func (p *Parser) innerLine(b []byte) {
	if !bytes.HasPrefix(b, []byte(dockerHead)) {
		p.line(b)
	}
}

// unquoted appends the text of the JSON string that b begins within to dst.
func unquoted(dst, b []byte) []byte {
	for i := 0; i < len(b) && b[i] != '"'; i++ {
		if b[i] != '\\' || i+1 == len(b) {
			dst = append(dst, b[i])
			continue
		}
		i++
		switch b[i] {
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'b', 'f':
		case 'u':
			if i+4 < len(b) {
				r, err := strconv.ParseUint(string(b[i+1:i+5]), 16, 16)
				if err == nil {
					dst = utf8.AppendRune(dst, rune(r))
					i += 4
				}
			}
		default:
			dst = append(dst, b[i])
		}
	}
	return dst
}
