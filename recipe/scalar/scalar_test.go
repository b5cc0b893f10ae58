package scalar

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatIsTakenForWhat(t *testing.T) {
	for _, c := range []struct {
		given   any
		integer any // nil: it is none
		number  any
		truth   any
		shown   string
	}{
		{int64(7), int64(7), 7.0, nil, "7"},
		{"7", int64(7), 7.0, nil, `"7"`},
		{0.5, nil, 0.5, nil, "0.5"},
		{"1e-5", nil, 1e-5, nil, `"1e-5"`},
		{"nan", nil, nil, nil, `"nan"`},
		{"-Inf", nil, nil, nil, `"-Inf"`},
		{true, nil, nil, true, "true"},
		{"FALSE", nil, nil, false, `"FALSE"`},
		{"", nil, nil, nil, `""`},
		{nil, nil, nil, nil, "empty"},
		{[]any{int64(1)}, nil, nil, nil, "a list"},
		{map[string]any{}, nil, nil, nil, "a map"},
	} {
		n, isInteger := Integer(c.given)
		require.Equal(t, c.integer != nil, isInteger, c.shown)
		if isInteger {
			require.Equal(t, c.integer, n)
		}
		f, isNumber := Number(c.given)
		require.Equal(t, c.number != nil, isNumber, c.shown)
		if isNumber {
			require.InDelta(t, c.number, f, 0)
		}
		b, isBool := Bool(c.given)
		require.Equal(t, c.truth != nil, isBool, c.shown)
		if isBool {
			require.Equal(t, c.truth, b)
		}
		require.Equal(t, c.shown, Describe(c.given))
	}
}
