package logparse

import (
	"fmt"
	"math"
	"math/rand"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Python prints the shortest text that reads back as the same number: what we
// read must be that number to the last bit.
func TestReadFloatIsExact(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	check := func(text string) {
		t.Helper()
		want, err := strconv.ParseFloat(text, 64)
		if err != nil && !math.IsInf(want, 0) {
			t.Fatal(err)
		}
		for _, after := range []string{"", ",", " ms", "T", "]"} {
			got, end, ok := readFloat([]byte("x"+text+after), 1)
			if !ok || end != 1+len(text) || math.Float64bits(got) != math.Float64bits(want) {
				t.Fatalf("%q: got %v up to %d, want %v", text+after, got, end, want)
			}
		}
	}
	for _, text := range []string{"0", "0.0", "-0.0", "1.", ".5", "-.5", "+3", "65536.0", "1.5e+38", "9.9e-06", "1e400", "-1e400", "1e-400",
		"9007199254740993", "9007199254740992.5", "123456789012345678", "1234567890123456789", "12345678901234567890.25", "0.000000000000000001",
		"4.9e-324", "1.7976931348623157e308", "1e22", "1e23", "8.5e22", strings.Repeat("9", 400), "0." + strings.Repeat("0", 400) + "1"} {
		check(text)
	}
	for range 200_000 {
		switch rnd.Intn(3) {
		case 0:
			v := math.Float64frombits(rnd.Uint64())
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				check(strconv.FormatFloat(v, 'g', -1, 64))
			}
		case 1:
			check(strconv.FormatFloat(rnd.NormFloat64()*math.Pow(10, float64(rnd.Intn(12)-6)), 'f', rnd.Intn(10), 64))
		case 2:
			check(strconv.FormatFloat(float64(float32(rnd.NormFloat64())), 'g', -1, 32))
		}
	}
}

func TestReadSpecialNumbers(t *testing.T) {
	for text, want := range map[string]float64{"nan": math.NaN(), "NaN": math.NaN(), "-nan": math.NaN(), "inf": math.Inf(1), "Inf": math.Inf(1),
		"-inf": math.Inf(-1), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1)} {
		got, end, ok := readFloat([]byte(text), 0)
		require.True(t, ok)
		require.Equal(t, len(text), end, text)
		require.Equal(t, fmt.Sprint(want), fmt.Sprint(got))
	}
	for _, text := range []string{"", "-", ".", "None", "na", "unavailable", "e5", "-.", "[1]"} {
		_, end, ok := readFloat([]byte(text), 0)
		require.False(t, ok, text)
		require.Zero(t, end)
	}
	// An "e" without digits is no exponent.
	v, end, ok := readFloat([]byte("12epoch"), 0)
	require.True(t, ok)
	require.Equal(t, 2, end)
	require.EqualValues(t, 12, v)
}

// The automaton finds what strings.Contains finds.
func TestMatcher(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	letters := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "abc"[rnd.Intn(3)]
		}
		return string(b)
	}
	for range 300 {
		words := map[string]bool{}
		for len(words) < 1+rnd.Intn(12) {
			words[letters(1+rnd.Intn(5))] = true
		}
		var list []string
		for w := range words {
			list = append(list, w)
		}
		m := newMatcher(list)
		for range 20 {
			text := letters(rnd.Intn(30))
			found := map[string]bool{}
			for _, f := range m.scan([]byte(text), make([]find, 0, 16)) {
				w := list[f.word]
				require.True(t, strings.HasSuffix(text[:f.end], w))
				require.False(t, found[w], "twice")
				found[w] = true
			}
			for _, w := range list {
				require.Equal(t, strings.Contains(text, w), found[w], "%q in %q, words %q", w, text, list)
			}
		}
	}
}
