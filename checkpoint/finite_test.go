package checkpoint

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// naive counts one value after the other, as one would first think of it.
func naive(typ string, b []byte) (v Values) {
	size := int(elementSize[typ])
	value := floatValue(commonType(typ))
	for ; len(b) >= size; b = b[size:] {
		switch x := value(b); {
		case math.IsNaN(x):
			v.NaN++
		case math.IsInf(x, 0):
			v.Inf++
		}
	}
	return v
}

// Eight bytes at once and pieces of any length count the same as one by one.
func TestFiniteCounter(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for typ, layout := range floatLayouts {
		for round := range 300 {
			b := make([]byte, int(elementSize[typ])*rng.IntN(100))
			for i := range b {
				b[i] = byte(rng.Uint32())
				if round%2 == 0 && rng.IntN(2) == 0 {
					b[i] = []byte{0, 0x7f, 0xff, 0x80, 0x7c, 0xf8, 0xf0}[rng.IntN(7)]
				}
			}
			c := finiteCounter{layout: layout}
			for rest := b; len(rest) > 0; {
				n := 1 + rng.IntN(len(rest))
				c.write(rest[:n])
				rest = rest[n:]
			}
			require.Equal(t, naive(typ, b), c.sum(), "%s %x", typ, b)
		}
	}
}

// All 65536 half-precision numbers are known.
func TestEveryHalf(t *testing.T) {
	var nan, inf int64
	c := finiteCounter{layout: &float16}
	for h := range 1 << 16 {
		c.write(binary.LittleEndian.AppendUint16(nil, uint16(h)))
		switch v := halfValue(uint16(h)); {
		case math.IsNaN(v):
			nan++
		case math.IsInf(v, 0):
			inf++
		}
	}
	require.Equal(t, Values{NaN: 2046, Inf: 2}, Values{nan, inf})
	require.Equal(t, Values{nan, inf}, c.sum())
	for h, v := range map[uint16]float64{0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x0001: math.Ldexp(1, -24), 0x0400: math.Ldexp(1, -14), 0x3555: 0.333251953125} {
		require.Equal(t, v, halfValue(h))
	}
}
