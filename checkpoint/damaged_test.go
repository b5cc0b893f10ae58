package checkpoint

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDamagedCkpt(t *testing.T) {
	f4 := func(dims ...int64) []byte { return recordBytes("w", "Float32", dims, make([]byte, 16)) }
	good := f4(4)
	tests := []struct {
		name    string
		content []byte
		reason  string
	}{
		{"shape too large", append(good, f4(5)...), `the slices of tensor "w" differ`},
		{"bytes missing", recordBytes("w", "Float32", []int64{5}, make([]byte, 16)), `tensor "w" has 16 bytes, but Float32 of shape [5] needs 20`},
		{"too many bytes", append(good, good...), `tensor "w" has 32 bytes, but Float32 of shape [4] needs 16`},
		{"negative shape", f4(-4), "absurd shape [-4]"},
		{"overflowing shape", f4(1<<40, 1<<40), "absurd shape"},
		{"shape that wraps to the right size", f4(1<<62, 1<<2, 4), "absurd shape"},
		{"overflowing bytes", f4(1 << 61), "absurd shape"},
		{"too many dimensions", f4(make([]int64, 100)...), "more than 64 dimensions"},
		{"no type", recordBytes("w", "", []int64{4}, make([]byte, 16)), "no type"},
		{"damaged type", recordBytes("w", "Fload32", []int64{4}, make([]byte, 16)), `is of type "Fload32", which its format does not have`},
		{"damaged width", recordBytes("w", "Float30", []int64{4}, make([]byte, 16)), `"Float30", which its format does not have`},
		{"width that does not fit", recordBytes("w", "Float128", []int64{4}, make([]byte, 16)), `"Float128", which its format does not have`},
		{"type of safetensors", recordBytes("w", "F33", []int64{4}, make([]byte, 16)), `"F33", which its format does not have`},
		{"type that MindSpore cannot load", recordBytes("w", "Complex64", []int64{2}, make([]byte, 16)), "but does not load"},
		{"string of a shape", recordBytes("w", "str", []int64{4}, make([]byte, 16)), "is a string of shape [4] with 16 bytes"},
		{"string of half a character", recordBytes("w", "str", []int64{0}, make([]byte, 18)), "with 18 bytes"},
		{"name is no UTF-8", recordBytes("w\xe1", "Float32", []int64{4}, make([]byte, 16)), "not UTF-8"},
		{"type is no UTF-8", recordBytes("w", "Float\xb32", []int64{4}, make([]byte, 16)), "not UTF-8"},
		{"field 0", []byte("\x0a\x08\x00\x00\x0a\x01w\x12\x01\x00"), "no protobuf field of number 0"},
		{"no name", recordBytes("", "Float32", []int64{4}, make([]byte, 16)), "no tensor name"},
		{"name that MindSpore cannot load", recordBytes(strings.Repeat("w", 1025), "Float32", []int64{4}, make([]byte, 16)), "name of a tensor has 1025 characters"},
		{"long name", recordBytes(strings.Repeat("w", 100_000), "Float32", []int64{4}, make([]byte, 16)), "a name of 100000 bytes is absurd"},
		{"name longer than the file", []byte("\x0a\x7f\x0a\xff\xff\xff\xff\x0f"), "does not fit into its record"},
		{"no data", []byte("\x0a\x03\x0a\x01w"), `tensor "w" has no data`},
		{"tensor larger than the file", recordHead("w", "Float32", []int64{1 << 40}, 1<<42), `cut off within tensor "w": 4398046511104 bytes are missing`},
		{"record of 2^63 bytes", []byte("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "claims 18446744073709551615 bytes"},
		{"number of more than 64 bits", []byte("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), "a number is longer than 64 bits"},
		{"second record garbage", append(f4(4), "garbage"...), "there is no tensor at byte 36, where one should begin"},
		{"garbage like a trailer", append(f4(4), "crc_num123456789"...), "there is no tensor at byte 36"},
		{"trailer of more than 32 bits", append(f4(4), "crc_num\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00"...), "more than 32 bits"},
		{"map parameter of the wrong size", mapRecord("m", "\x08\x03\x12\x05int32\x1a\x04\x00\x00\x00\x00"), "has 4 bytes, but int32 of shape [3] needs 12"},
		{"trailer alone", []byte("crc_num\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), "holds no tensor"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := verdictOf(t, "a.ckpt", test.content, Options{})
			require.False(t, v.Complete)
			require.Contains(t, v.Reason, test.reason)
			if strings.HasPrefix(test.name, "second") {
				require.Equal(t, FormatCkpt, v.Format, "it did begin as a checkpoint")
			}
		})
	}
}

// What MindSpore may write one day, or another protobuf writer today, is not
// taken for damage.
func TestUnusualButWholeCkpt(t *testing.T) {
	packed := []byte("\x0a\x1d\x0a\x01w\x12\x18\x0a\x02\x02\x01\x12\x05Int32\x1a\x08\x00\x00\x00\x00\x00\x00\x00\x00\x28\x01")
	packed[1] = byte(len(packed) - 2)
	packed[6] = byte(len(packed) - 7)
	mapped := mapRecord("m", "\x08\x02\x12\x05int32\x1a\x08\x00\x00\x00\x00\x00\x00\x00\x00")
	for name, content := range map[string][]byte{
		"type without a size":        recordBytes("w", "random_op", []int64{4}, make([]byte, 3)),
		"type of a later version":    recordBytes("w", "Float8_e4m3fn", []int64{4}, make([]byte, 4)),
		"type of half bytes":         recordBytes("w", "Float4", []int64{5}, make([]byte, 3)),
		"str":                        recordBytes("w", "str", []int64{0}, make([]byte, 12)),
		"scalar as dims [0]":         recordBytes("w", "Float32", []int64{0}, make([]byte, 4)),
		"scalar without dims":        recordBytes("w", "Float32", nil, make([]byte, 4)),
		"slices":                     append(recordBytes("w", "Float32", []int64{4}, make([]byte, 12)), recordBytes("w", "Float32", []int64{4}, make([]byte, 4))...),
		"packed dims, new field":     packed,
		"longest name":               recordBytes(" "+strings.Repeat("権", 1024), "Float32", []int64{4}, make([]byte, 16)),
		"map parameter":              mapped,
		"empty map parameter":        mapRecord("m", "\x08\x00\x12\x05int32\x1a\x00"),
		"map parameter in slices":    append(mapped[:len(mapped):len(mapped)], mapped...),
		"crc_num inside a tensor":    append(recordBytes("w", "UInt8", []int64{17}, []byte("crc_num0123456789")), recordBytes("v", "UInt8", []int64{17}, []byte("crc_num0123456789"))...),
		"stock checkpoint of a rank": recordBytes("w", "Float32", nil, make([]byte, 4)),
	} {
		v := verdictOf(t, "a.ckpt", content, Options{})
		require.True(t, v.Complete, "%s: %s", name, v.Reason)
	}
}
