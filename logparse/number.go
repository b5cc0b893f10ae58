package logparse

import (
	"math"
	"strconv"
)

// pow10 holds the powers of ten that a float64 represents exactly.
var pow10 = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// readFloat reads a number at b[i:] as Python prints it, "nan", "inf" and
// "-inf" among them, and returns the index after it. ok is false where there
// is no number; i is then returned unchanged.
func readFloat(b []byte, i int) (v float64, next int, ok bool) {
	// Most numbers are short and have neither sign nor exponent. Up to 2^53 the
	// digits are exact, and one division by an exact power of ten rounds once:
	// the result is the correct one.
	var mant uint64
	j := i
	for j < len(b) && b[j]-'0' <= 9 {
		mant = mant*10 + uint64(b[j]-'0')
		j++
	}
	places := 0
	if j > i && j < len(b) && b[j] == '.' {
		dot := j
		j++
		for j < len(b) && b[j]-'0' <= 9 {
			mant = mant*10 + uint64(b[j]-'0')
			j++
		}
		places = j - dot - 1
	}
	if j > i && j-i <= 18 && mant < 1<<53 && (j == len(b) || b[j]|0x20 != 'e') {
		if places == 0 {
			return float64(mant), j, true
		}
		return float64(mant) / pow10[places], j, true
	}
	return readAnyFloat(b, i)
}

// readAnyFloat is readFloat for all forms of numbers.
func readAnyFloat(b []byte, i int) (v float64, next int, ok bool) {
	start := i
	neg := false
	if i < len(b) && (b[i] == '-' || b[i] == '+') {
		neg = b[i] == '-'
		i++
	}
	var mant uint64
	digits, frac := 0, 0
	for ; i < len(b); i++ {
		d := b[i] - '0'
		if d > 9 {
			break
		}
		mant = mant*10 + uint64(d)
		digits++
	}
	if i < len(b) && b[i] == '.' {
		i++
		for ; i < len(b); i++ {
			d := b[i] - '0'
			if d > 9 {
				break
			}
			mant = mant*10 + uint64(d)
			frac++
		}
		digits += frac
	}
	if digits == 0 {
		return readSpecial(b, start)
	}
	exp := -frac
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		if e, after, ok := readExponent(b, i+1); ok {
			exp += e
			i = after
		}
	}
	if digits <= 18 && mant < 1<<53 && exp >= -22 && exp <= 22 {
		v = float64(mant)
		if exp < 0 {
			v /= pow10[-exp]
		} else {
			v *= pow10[exp]
		}
		if neg {
			v = -v
		}
		return v, i, true
	}
	v, err := strconv.ParseFloat(string(b[start:i]), 64)
	if err != nil && !math.IsInf(v, 0) {
		return 0, start, false
	}
	return v, i, true
}

// readExponent reads the digits after an "e".
func readExponent(b []byte, i int) (e, next int, ok bool) {
	neg := false
	if i < len(b) && (b[i] == '-' || b[i] == '+') {
		neg = b[i] == '-'
		i++
	}
	start := i
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		if e < 10000 {
			e = e*10 + int(b[i]-'0')
		}
	}
	if neg {
		e = -e
	}
	return e, i, i > start
}

// readSpecial reads nan and inf with a sign, in any case of letters.
func readSpecial(b []byte, start int) (v float64, next int, ok bool) {
	i, sign := start, 1
	if i < len(b) && (b[i] == '-' || b[i] == '+') {
		if b[i] == '-' {
			sign = -1
		}
		i++
	}
	if len(b)-i < 3 {
		return 0, start, false
	}
	a, c, d := b[i]|0x20, b[i+1]|0x20, b[i+2]|0x20
	switch {
	case a == 'n' && c == 'a' && d == 'n':
		return math.NaN(), i + 3, true
	case a == 'i' && c == 'n' && d == 'f':
		i += 3
		if rest := b[i:]; len(rest) >= 5 && string(rest[:5]) == "inity" {
			i += 5
		}
		return math.Inf(sign), i, true
	}
	return 0, start, false
}

// readInt reads decimal digits at b[i:], after any spaces.
func readInt(b []byte, i int) (v int64, next int, ok bool) {
	for i < len(b) && b[i] == ' ' {
		i++
	}
	start := i
	for ; i < len(b); i++ {
		d := b[i] - '0'
		if d > 9 {
			break
		}
		v = v*10 + int64(d)
	}
	if n := i - start; n == 0 || n > 18 {
		return 0, start, false
	}
	return v, i, true
}

// readPair reads "  1/  20]" as printed for epochs and steps.
func readPair(b []byte, i int) (x, y int64, next int, ok bool) {
	if x, i, ok = readInt(b, i); !ok || i >= len(b) || b[i] != '/' {
		return 0, 0, i, false
	}
	if y, i, ok = readInt(b, i+1); !ok || i >= len(b) || b[i] != ']' {
		return 0, 0, i, false
	}
	return x, y, i + 1, true
}

// skipSpaces returns the index of the first byte from i on that is no space.
func skipSpaces(b []byte, i int) int {
	for i < len(b) && b[i] == ' ' {
		i++
	}
	return i
}

// hasAt reports whether b holds s at i.
func hasAt(b []byte, i int, s string) bool {
	return len(b)-i >= len(s) && string(b[i:i+len(s)]) == s
}
