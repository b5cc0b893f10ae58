package logparse

import (
	"bytes"
	"time"
)

// level is the severity of a record; text outside of records has none.
type level uint8

const (
	levelNone level = iota
	levelDebug
	levelInfo
	levelWarning
	levelError
)

// prefix is what stands before the message of a record.
type prefix struct {
	level level
	time  time.Time
	body  int // where the message begins
}

// clock reads the times of prefixes. Consecutive records mostly share their
// minute, so it computes a minute once and adds the seconds.
type clock struct {
	minute [16]byte // "2006-01-02 15:04", or with a third dash
	unix   int64
	// name is what the last record in the format of standard output had between
	// its time and its message, and level the level that it names.
	name  []byte
	level level
}

// read reads "2006-01-02 15:04:05" or "2006-01-02-15:04:05" at b[i:].
func (c *clock) read(b []byte, i int) (sec int64, ok bool) {
	if len(b)-i < 19 || b[i+4] != '-' || b[i+16] != ':' {
		return 0, false
	}
	s1, s2 := b[i+17]-'0', b[i+18]-'0'
	if s1 > 6 || s2 > 9 {
		return 0, false
	}
	minute := [16]byte(b[i : i+16])
	if minute != c.minute {
		t, ok := parseMinute(minute)
		if !ok {
			return 0, false
		}
		c.minute, c.unix = minute, t
	}
	return c.unix + int64(s1)*10 + int64(s2), true
}

func parseMinute(m [16]byte) (unix int64, ok bool) {
	if m[7] != '-' || m[10] != ' ' && m[10] != '-' || m[13] != ':' {
		return 0, false
	}
	m[10] = ' '
	t, err := time.Parse("2006-01-02 15:04", string(m[:]))
	return t.Unix(), err == nil
}

// parsePrefix recognises the start of a record: standard output and file
// format of mindformers, mindpet's, and MindSpore's Python and C++ ones.
func (c *clock) parsePrefix(b []byte) (prefix, bool) {
	if len(b) < 12 {
		return prefix{}, false
	}
	switch {
	case b[0]-'0' <= 9:
		return c.stdoutPrefix(b)
	case b[0] == '[':
		return c.bracketPrefix(b)
	}
	return prefix{}, false
}

// stdoutPrefix reads "TIME,123 - LOGGER - LEVEL - ". The logger's name may
// hold a path with anything in it, so the level is what ends it.
func (c *clock) stdoutPrefix(b []byte) (prefix, bool) {
	if len(b) < 31 || b[19] != ',' || b[23] != ' ' || b[24] != '-' && b[24] != '[' {
		return prefix{}, false
	}
	sec, ok := c.read(b, 0)
	if !ok {
		return prefix{}, false
	}
	if b[24] == '[' { // other tools of the family: "TIME,123 [LEVEL] "
		lv, end := readLevel(b, 25)
		return prefix{lv, time.Unix(sec, millis(b, 20)).UTC(), end + 2}, lv != levelNone && hasAt(b, end, "] ")
	}
	if len(c.name) > 0 && bytes.HasPrefix(b[23:], c.name) { // mostly it is that of the record before
		return prefix{c.level, time.Unix(sec, millis(b, 20)).UTC(), 23 + len(c.name)}, true
	}
	for i := 26; ; {
		j := bytes.IndexByte(b[i:], '-')
		if j < 0 {
			return prefix{}, false
		}
		i += j + 1
		if b[i-2] != ' ' || i >= len(b) || b[i] != ' ' {
			continue
		}
		lv, end := readLevel(b, i+1)
		if lv != levelNone && hasAt(b, end, " - ") {
			c.name, c.level = append(c.name[:0], b[23:end+3]...), lv
			return prefix{lv, time.Unix(sec, millis(b, 20)).UTC(), end + 3}, true
		}
	}
}

// millis reads three digits as nanoseconds.
func millis(b []byte, i int) int64 {
	x, y, z := b[i]-'0', b[i+1]-'0', b[i+2]-'0'
	if x > 9 || y > 9 || z > 9 {
		return 0
	}
	return (int64(x)*100 + int64(y)*10 + int64(z)) * int64(time.Millisecond)
}

// bracketPrefix reads the formats that begin with "[LEVEL] ". A bare
// "[ERROR] text" is no record of its own: it is part of an exception's body.
func (c *clock) bracketPrefix(b []byte) (prefix, bool) {
	lv, end := readLevel(b, 1)
	if lv == levelNone || !hasAt(b, end, "] ") {
		return prefix{}, false
	}
	i := end + 2
	if i < len(b) && b[i]-'0' <= 9 {
		return c.filePrefix(b, i, lv)
	}
	return c.mindsporePrefix(b, i, lv)
}

// filePrefix reads "TIME,123 [PATH:LINE] FUNCTION: " and mindpet's
// "TIME,123 [PID] [SDK] : ".
func (c *clock) filePrefix(b []byte, i int, lv level) (prefix, bool) {
	if len(b)-i < 26 || b[i+19] != ',' || b[i+23] != ' ' || b[i+24] != '[' {
		return prefix{}, false
	}
	sec, ok := c.read(b, i)
	if !ok {
		return prefix{}, false
	}
	at := time.Unix(sec, millis(b, i+20)).UTC()
	i += 25
	place := bytes.IndexByte(b[i:], ']')
	if place < 0 {
		return prefix{}, false
	}
	i += place + 1
	colon := bytes.Index(b[i:], []byte(": "))
	if colon < 0 {
		if len(b) == i || b[len(b)-1] != ':' {
			return prefix{}, false
		}
		return prefix{lv, at, len(b)}, true
	}
	return prefix{lv, at, i + colon + 2}, true
}

// mindsporePrefix reads "MODULE(PID…):TIME [FILE:LINE] ", and after a C++
// record's place also "Function] ".
func (c *clock) mindsporePrefix(b []byte, i int, lv level) (prefix, bool) {
	for i < len(b) && (b[i] >= 'A' && b[i] <= 'Z' || b[i] == '_' || b[i]-'0' <= 9) {
		i++
	}
	if i >= len(b) || b[i] != '(' {
		return prefix{}, false
	}
	end := bytes.Index(b[i:], []byte("):"))
	if end < 0 {
		return prefix{}, false
	}
	i += end + 2
	sec, ok := c.read(b, i)
	if !ok {
		return prefix{}, false
	}
	i += 19
	// The fraction is printed as two groups of digits. C++ pads them; Python
	// does not, but together they are the microseconds in both.
	micros := int64(0)
	for n := 0; i < len(b) && n < 8; i, n = i+1, n+1 {
		if d := b[i] - '0'; d <= 9 {
			micros = micros*10 + int64(d)
		} else if b[i] != '.' {
			break
		}
	}
	p := prefix{lv, time.Unix(sec, micros%1e6*1e3).UTC(), i}
	place := bytes.Index(b[i:], []byte("] "))
	if !hasAt(b, i, " [") || place < 0 {
		p.body = skipSpaces(b, i)
		return p, true
	}
	p.body = i + place + 2
	for j := p.body; j < len(b) && b[j] != ' '; j++ {
		if b[j] == ']' && j > p.body && hasAt(b, j, "] ") && b[p.body] != '[' {
			p.body = j + 2
			break
		}
	}
	return p, true
}

// readLevel reads the name of a level at b[i:].
func readLevel(b []byte, i int) (level, int) {
	if i >= len(b) {
		return levelNone, i
	}
	switch b[i] {
	case 'I':
		if hasAt(b, i, "INFO") {
			return levelInfo, i + 4
		}
	case 'W':
		if hasAt(b, i, "WARNING") {
			return levelWarning, i + 7
		}
	case 'E':
		if hasAt(b, i, "ERROR") {
			return levelError, i + 5
		}
		if hasAt(b, i, "EVENT") {
			return levelInfo, i + 5
		}
		if hasAt(b, i, "EXCEPTION") { // CRITICAL of MindSpore before 2.0
			return levelError, i + 9
		}
	case 'C':
		if hasAt(b, i, "CRITICAL") {
			return levelError, i + 8
		}
	case 'D':
		if hasAt(b, i, "DEBUG") {
			return levelDebug, i + 5
		}
	case 'T':
		if hasAt(b, i, "TRACE") {
			return levelDebug, i + 5
		}
	case 'V': // MindSpore's verbose levels, "[V1]"
		j := i + 1
		for j < len(b) && b[j]-'0' <= 9 {
			j++
		}
		if j > i+1 {
			return levelDebug, j
		}
	}
	return levelNone, i
}
