package checkpoint

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"slices"
)

// Difference is how two checkpoints differ. Tensors are matched by name; a
// .ckpt may be compared with a .safetensors.
type Difference struct {
	A string `json:"a"`
	B string `json:"b"`
	// Same counts the tensors in which no difference was found.
	Same  int      `json:"same"`
	OnlyA []string `json:"only_a"`
	OnlyB []string `json:"only_b"`
	// Changed are tensors of another type or shape.
	Changed []ChangedTensor `json:"changed"`
	// Values are tensors with other values; nil unless they were compared.
	Values []ChangedValues `json:"values,omitempty"`
}

// ChangedTensor is a tensor of another type or shape.
type ChangedTensor struct {
	Name string  `json:"name"`
	A    *Tensor `json:"a"`
	B    *Tensor `json:"b"`
}

// ChangedValues is a tensor of the same type and shape, but other values.
type ChangedValues struct {
	Name string `json:"name"`
	// Elements counts the values that differ by their bits.
	Elements int64 `json:"elements"`
	// Of is the number of values.
	Of int64 `json:"of"`
	// Largest is the largest absolute difference; 0 for types that are not
	// floating-point ones. Values that are not finite do not count.
	Largest float64 `json:"largest"`
}

// Equal says whether nothing differs.
func (d *Difference) Equal() bool {
	return len(d.OnlyA)+len(d.OnlyB)+len(d.Changed)+len(d.Values) == 0
}

// Diff compares two complete checkpoints: names, types and shapes, and with
// opt.Deep the values.
func Diff(ctx context.Context, a, b string, opt Options) (Difference, error) {
	d := Difference{A: a, B: b, OnlyA: []string{}, OnlyB: []string{}, Changed: []ChangedTensor{}}
	inA, err := contents(ctx, a, opt)
	if err != nil {
		return d, err
	}
	inB, err := contents(ctx, b, opt)
	if err != nil {
		return d, err
	}
	pair := comparison{ctx: ctx, files: map[string]*os.File{}}
	defer pair.close()
	for _, name := range sortedNames(inA) {
		x, y := inA[name], inB[name]
		switch {
		case y == nil:
			d.OnlyA = append(d.OnlyA, name)
		case commonType(x.Type) != commonType(y.Type) || !slices.Equal(x.Shape, y.Shape):
			d.Changed = append(d.Changed, ChangedTensor{name, x, y})
		case opt.Deep:
			v, err := pair.values(x, y)
			if err != nil {
				return d, err
			}
			if v.Elements > 0 {
				d.Values = append(d.Values, v)
				continue
			}
			d.Same++
		default:
			d.Same++
		}
	}
	for _, name := range sortedNames(inB) {
		if inA[name] == nil {
			d.OnlyB = append(d.OnlyB, name)
		}
	}
	return d, nil
}

func sortedNames(m map[string]*Tensor) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// contents reads which tensors a checkpoint has.
func contents(ctx context.Context, path string, opt Options) (map[string]*Tensor, error) {
	m := map[string]*Tensor{}
	opt.Deep = false
	v, err := Inspect(ctx, path, opt, func(t *Tensor) error {
		m[t.Name] = t
		return nil
	})
	if err == nil && !v.Complete {
		err = &ReadError{Path: path, Reason: v.Reason, Err: ErrIncomplete}
	}
	return m, err
}

// ErrIncomplete is wrapped by the error for a checkpoint that has to be complete
// and is not.
var ErrIncomplete = errors.New("the checkpoint is not complete")

// commonTypes are MindSpore's names for the types of safetensors.
var commonTypes = map[string]string{
	"BOOL": "Bool", "U8": "UInt8", "I8": "Int8", "I16": "Int16", "U16": "UInt16", "F16": "Float16", "BF16": "BFloat16",
	"I32": "Int32", "U32": "UInt32", "F32": "Float32", "I64": "Int64", "U64": "UInt64", "F64": "Float64",
}

func commonType(t string) string {
	if c, ok := commonTypes[t]; ok {
		return c
	}
	return t
}

// comparison compares values; it keeps the files open that it reads.
type comparison struct {
	ctx   context.Context
	files map[string]*os.File
	bufs  [2][deepBlock]byte
}

func (c *comparison) close() {
	for _, f := range c.files {
		f.Close()
	}
}

// data reads a tensor's data from its first byte to the last.
func (c *comparison) data(t *Tensor) (io.Reader, error) {
	f := c.files[t.path]
	if f == nil {
		var err error
		if f, err = openFile(t.path); err != nil {
			return nil, openError(t.path, err)
		}
		c.files[t.path] = f
	}
	var parts []io.Reader
	for _, s := range t.sections {
		parts = append(parts, io.NewSectionReader(f, s.off, s.len))
	}
	return io.MultiReader(parts...), nil
}

func (c *comparison) values(x, y *Tensor) (ChangedValues, error) {
	size := max(elementSize[x.Type], 1)
	v := ChangedValues{Name: x.Name, Of: x.Bytes / size}
	a, err := c.data(x)
	if err != nil {
		return v, err
	}
	b, err := c.data(y)
	if err != nil {
		return v, err
	}
	if x.Bytes != y.Bytes { // str, which has no size of its own
		v.Elements = max(x.Bytes, y.Bytes)
		return v, nil
	}
	value := floatValue(commonType(x.Type))
	for left := x.Bytes; left > 0; {
		if err := c.ctx.Err(); err != nil {
			return v, err
		}
		n := min(left, deepBlock)
		p, q := c.bufs[0][:n], c.bufs[1][:n]
		if _, err := io.ReadFull(a, p); err != nil {
			return v, openError(x.path, err)
		}
		if _, err := io.ReadFull(b, q); err != nil {
			return v, openError(y.path, err)
		}
		left -= n
		if bytes.Equal(p, q) {
			continue
		}
		for i := int64(0); i+size <= n; i += size {
			if bytes.Equal(p[i:i+size], q[i:i+size]) {
				continue
			}
			v.Elements++
			if value == nil {
				continue
			}
			if d := math.Abs(value(p[i:]) - value(q[i:])); d > v.Largest && !math.IsInf(d, 0) {
				v.Largest = d
			}
		}
	}
	return v, nil
}

// floatValue returns how a value of a floating-point type is read; nil for
// other types.
func floatValue(typ string) func([]byte) float64 {
	le := binary.LittleEndian
	switch typ {
	case "Float64":
		return func(b []byte) float64 { return math.Float64frombits(le.Uint64(b)) }
	case "Float32":
		return func(b []byte) float64 { return float64(math.Float32frombits(le.Uint32(b))) }
	case "BFloat16":
		return func(b []byte) float64 { return float64(math.Float32frombits(uint32(le.Uint16(b)) << 16)) }
	case "Float16":
		return func(b []byte) float64 { return halfValue(le.Uint16(b)) }
	}
	return nil
}

// halfValue is the value of an IEEE half-precision number.
func halfValue(h uint16) float64 {
	exponent, fraction := int(h>>10&0x1f), float64(h&0x3ff)
	var v float64
	switch exponent {
	case 0:
		v = math.Ldexp(fraction, -24)
	case 31:
		v = math.Inf(1)
		if fraction != 0 {
			v = math.NaN()
		}
	default:
		v = math.Ldexp(1024+fraction, exponent-25)
	}
	if h&0x8000 != 0 {
		return -v
	}
	return v
}
