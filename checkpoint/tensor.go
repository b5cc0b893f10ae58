package checkpoint

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// Tensor is one tensor of a checkpoint.
type Tensor struct {
	Name string `json:"name"`
	// Type is the element type as the file spells it: "Float32" in a .ckpt,
	// "F32" in a .safetensors.
	Type string `json:"type"`
	// Shape is empty for a scalar.
	Shape []int64 `json:"shape"`
	Bytes int64   `json:"bytes"`
	// Values counts what is not finite; nil unless [Options.Deep] and the
	// type is a floating-point one.
	Values *Values `json:"values,omitempty"`

	// path and sections are where the data lies: one section for each slice of
	// a .ckpt.
	path     string
	sections []section
}

// Values counts values of a tensor that are not finite.
type Values struct {
	NaN int64 `json:"nan"`
	Inf int64 `json:"inf"`
}

// section is a run of bytes of a file.
type section struct{ off, len int64 }

// elementSize gives the bytes of one element by type, for both formats. A type
// that is not in it has no size check.
var elementSize = map[string]int64{
	// MindSpore's names. Int4 keeps each value in a byte [measured, 2.7.0].
	"Bool": 1, "Int4": 1, "Int8": 1, "UInt8": 1, "Int16": 2, "UInt16": 2, "Int32": 4, "UInt32": 4,
	"Int64": 8, "UInt64": 8, "Float16": 2, "BFloat16": 2, "Float32": 4, "Float64": 8,
	// numpy's names, inside map tensors.
	"bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4,
	"int64": 8, "uint64": 8, "float16": 2, "float32": 4, "float64": 8,
	// safetensors' names.
	"BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "F8_E8M0": 1, "I16": 2, "U16": 2, "F16": 2,
	"BF16": 2, "I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8,
}

// ckptTypes are those that MindSpore loads from a .ckpt; the last three have
// elements of no fixed size.
var ckptTypes = []string{"Bool", "Int4", "Int8", "UInt8", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64",
	"Float16", "BFloat16", "Float32", "Float64", "str", "random_op", mapType}

// safetensorsTypes are those of the format whose elements fill whole bytes.
var safetensorsTypes = []string{"BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "I16", "U16", "F16",
	"BF16", "I32", "U32", "F32", "I64", "U64", "F64"}

// otherType is how other number types of the two formats are called, those that
// later versions will bring among them; the first group holds the bits.
var otherType = lazily(`^(?:(?:B|Hi)?Float|U?Q?Int|B?F|I|U)(\d{1,3})(?:_?[eE]\d[mM]\d\w*|x\d)?$`)

// checkType says what is wrong with the type of a tensor. Each format has a list
// of types, and who reads it refuses a file with any other. A type that was
// invented since passes if its name tells a size that fits.
func checkType(t *Tensor, known []string) error {
	if err := checkReadable(t); err != nil {
		return err
	}
	if slices.Contains(known, t.Type) {
		return nil
	}
	m := otherType().FindStringSubmatch(t.Type)
	if count, ok := elements(t.Shape); ok && m != nil {
		width, _ := strconv.ParseInt(m[1], 10, 64)
		hi, lo := bits.Mul64(uint64(count), uint64(width))
		// Of the damaged names of other types few leave a width that fits.
		if hi == 0 && slices.Contains([]int64{1, 2, 4, 6, 8, 16, 32, 64, 128}, width) && (lo+7)/8 == uint64(t.Bytes) {
			return nil
		}
	}
	return damagef("tensor %q is of type %q, which its format does not have", t.Name, t.Type)
}

// complexTypes are written by MindSpore, into a .ckpt and a .safetensors, and
// refused when it loads them [measured, 2.0.0 and 2.7.0].
var complexTypes = []string{"Complex64", "Complex128", "C64", "C128"}

// checkReadable says so of a type that MindSpore writes but does not load.
func checkReadable(t *Tensor) error {
	if slices.Contains(complexTypes, t.Type) {
		return damagef("tensor %q is of type %s, which MindSpore writes but does not load", t.Name, t.Type)
	}
	return nil
}

// checkCkptType is [checkType] for a .ckpt.
func checkCkptType(t *Tensor) error {
	if t.Type == "str" {
		// One string of numpy's, four bytes a character, and never an empty one.
		if n, ok := elements(t.Shape); !ok || n != 1 || t.Bytes == 0 || t.Bytes%4 != 0 {
			return damagef("tensor %q is a string of shape %s with %d bytes", t.Name, shapeText(t.Shape), t.Bytes)
		}
	}
	return checkType(t, ckptTypes)
}

// maxDims is more than numpy (64) or MindSpore allow.
const maxDims = 64

// elements multiplies a shape; ok is false if that is absurd.
func elements(shape []int64) (n int64, ok bool) {
	n = 1
	for _, d := range shape {
		if d < 0 {
			return 0, false
		}
		hi, lo := bits.Mul64(uint64(n), uint64(d))
		if hi != 0 || lo > 1<<62 {
			return 0, false
		}
		n = int64(lo)
	}
	return n, true
}

// wantBytes is how long a tensor's data has to be; known is false for types
// whose elements have no fixed size.
func wantBytes(typ string, shape []int64) (n int64, known bool, err error) {
	count, ok := elements(shape)
	if !ok {
		return 0, false, damagef("has the absurd shape %s", shapeText(shape))
	}
	size, known := elementSize[typ]
	if !known {
		return 0, false, nil
	}
	hi, lo := bits.Mul64(uint64(count), uint64(size))
	if hi != 0 || lo > 1<<62 {
		return 0, false, damagef("has the absurd shape %s", shapeText(shape))
	}
	return int64(lo), true, nil
}

func shapeText(shape []int64) string {
	return strings.ReplaceAll(fmt.Sprint(shape), " ", ", ")
}

// damage is why a file is not a complete checkpoint. Everything else that goes
// wrong while reading is a failure of the reading.
type damage struct {
	reason string
	// foreign says that the very beginning is not that of a checkpoint, so
	// the file is something else rather than broken.
	foreign bool
}

func (d *damage) Error() string { return d.reason }

func damagef(format string, args ...any) error {
	return &damage{reason: fmt.Sprintf(format, args...)}
}
