package checkpoint

import "encoding/binary"

// floatLayout describes a floating-point type such that eight bytes of values
// are tested at once. A value is not finite when all bits of its exponent are
// set; then adding one to the lowest of them carries into the sign's place,
// which the mask had cleared.
type floatLayout struct {
	size     int
	exponent uint64 // the exponent's bits, in every lane
	one      uint64 // its lowest bit, in every lane
	sign     uint64 // the sign's bit, in every lane
}

var floatLayouts = map[string]*floatLayout{
	"Float16": &float16, "F16": &float16,
	"BFloat16": &bfloat16, "BF16": &bfloat16,
	"Float32": &float32s, "F32": &float32s,
	"Float64": &float64s, "F64": &float64s,
}

var (
	float16  = floatLayout{2, 0x7c00_7c00_7c00_7c00, 0x0400_0400_0400_0400, 0x8000_8000_8000_8000}
	bfloat16 = floatLayout{2, 0x7f80_7f80_7f80_7f80, 0x0080_0080_0080_0080, 0x8000_8000_8000_8000}
	float32s = floatLayout{4, 0x7f80_0000_7f80_0000, 0x0080_0000_0080_0000, 0x8000_0000_8000_0000}
	float64s = floatLayout{8, 0x7ff0_0000_0000_0000, 0x0010_0000_0000_0000, 0x8000_0000_0000_0000}
)

// finiteCounter counts NaN and Inf in a stream of little-endian values, cut
// into pieces anywhere.
type finiteCounter struct {
	layout *floatLayout
	values Values
	rest   [8]byte // the beginning of a word that continues in the next piece
	n      int
}

func (c *finiteCounter) write(b []byte) {
	if c.n > 0 {
		k := copy(c.rest[c.n:], b)
		c.n += k
		b = b[k:]
		if c.n < len(c.rest) {
			return
		}
		c.word(binary.LittleEndian.Uint64(c.rest[:]))
		c.n = 0
	}
	l := *c.layout
	for ; len(b) >= 32; b = b[32:] {
		v0 := binary.LittleEndian.Uint64(b)
		v1 := binary.LittleEndian.Uint64(b[8:])
		v2 := binary.LittleEndian.Uint64(b[16:])
		v3 := binary.LittleEndian.Uint64(b[24:])
		hit := (v0&l.exponent + l.one) | (v1&l.exponent + l.one) | (v2&l.exponent + l.one) | (v3&l.exponent + l.one)
		if hit&l.sign != 0 {
			c.word(v0)
			c.word(v1)
			c.word(v2)
			c.word(v3)
		}
	}
	for ; len(b) >= 8; b = b[8:] {
		c.word(binary.LittleEndian.Uint64(b))
	}
	c.n = copy(c.rest[:], b)
}

// word looks at the lanes of eight bytes one by one.
func (c *finiteCounter) word(v uint64) {
	l := c.layout
	if (v&l.exponent+l.one)&l.sign == 0 {
		return
	}
	bits := uint(l.size) * 8
	lane := ^uint64(0) >> (64 - bits)
	for i := uint(0); i < 64; i += bits {
		x, exponent, sign := v>>i&lane, l.exponent&lane, l.sign&lane
		if x&exponent != exponent {
			continue
		}
		if x&^(exponent|sign) == 0 {
			c.values.Inf++
		} else {
			c.values.NaN++
		}
	}
}

// sum closes the stream and returns the counts. What is left in rest is padded
// with zeros, which are finite.
func (c *finiteCounter) sum() Values {
	if c.n > 0 {
		clear(c.rest[c.n:])
		c.word(binary.LittleEndian.Uint64(c.rest[:]))
		c.n = 0
	}
	return c.values
}
