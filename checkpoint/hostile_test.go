package checkpoint

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What lies where a checkpoint should be gets a verdict that says what it is.
func TestWhatIsNotACheckpoint(t *testing.T) {
	tests := []struct{ name, content, reason string }{
		{"a.ckpt", "", "is empty"},
		{"a.ckpt", "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n", "a Git LFS pointer"},
		{"a.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n", "a Git LFS pointer"},
		{"a.ckpt", "\n<!DOCTYPE html><html></html>", "a web page"},
		{"a.safetensors", "<HTML><body>404</body>", "a web page"},
		{"a.ckpt", `<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>`, "the link has probably expired"},
		{"a.ckpt", "PK\x03\x04\x00\x00\x08\x08\x00\x00archive/data.pkl", "a zip archive"},
		{"a.ckpt", "\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", "a Python pickle"},
		{"a.ckpt", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", "compressed with gzip"},
		{"a.ckpt", strings.Repeat("\x00", 5000), "begins with zeros"},
		{"a.ckpt", "some text\nthat goes on", "not a MindSpore checkpoint"},
		{"a.ckpt", "\n\x05hello", "not a MindSpore checkpoint"},
		{"a.ckpt", "\x0a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", "not a MindSpore checkpoint: a number is longer than 64 bits"},
		{"llama_rank_0-graph.meta", "\x0a\x050.1.1\x12\x03abc", "the compiled graph"},
		{"ckpt_strategy_rank_0.ckpt", "\x08\x00\x12\x00", "a strategy file"},
		{"llama_rank_0-1_2.tmp", string(training(1, 2, 2)), "a temporary file"},
		{"a.safetensors", "abc", "cut off within the length of its header"},
		{"a.safetensors", "abcdefghijkl", "its header claims"},
		{"a.safetensors", "\x20\x00\x00\x00\x00\x00\x00\x00{}", "cut off within its header: 30 bytes are missing"},
	}
	for _, test := range tests {
		v := verdictOf(t, test.name, []byte(test.content), Options{Deep: true})
		require.False(t, v.Complete, "%q", test.content)
		require.Contains(t, v.Reason, test.reason, "%s %q", test.name, test.content)
	}
}

// What cannot be opened is an error, what is no file has a verdict; nothing
// blocks.
func TestPathsThatAreNoFiles(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()

	_, err := Verify(ctx, filepath.Join(dir, "nowhere.ckpt"), Options{})
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.EqualError(t, err, filepath.Join(dir, "nowhere.ckpt")+": there is no such file")

	loop := filepath.Join(dir, "loop.ckpt")
	require.NoError(t, os.Symlink("loop.ckpt", loop))
	_, err = Verify(ctx, loop, Options{})
	require.EqualError(t, err, loop+": a symbolic link that leads back to itself")

	dangling := filepath.Join(dir, "dangling.ckpt")
	require.NoError(t, os.Symlink("gone.ckpt", dangling))
	_, err = Verify(ctx, dangling, Options{})
	require.EqualError(t, err, dangling+": a symbolic link to a file that is not there")

	v, err := Verify(ctx, dir, Options{})
	require.NoError(t, err)
	require.Equal(t, "is a directory, not a checkpoint file", v.Reason)

	pipe := filepath.Join(dir, "pipe.ckpt")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	v, err = Verify(ctx, pipe, Options{})
	require.NoError(t, err)
	require.Equal(t, "is not a regular file", v.Reason)

	stopped, cancel := context.WithCancel(ctx)
	cancel()
	_, err = Verify(stopped, write(t, dir, "a.ckpt", training(1, 2, 2)), Options{})
	require.ErrorIs(t, err, context.Canceled)
}

// A file that changes or vanishes while it is read is not judged complete.
func TestFileThatChangesWhileItIsRead(t *testing.T) {
	content := training(1, 20, 20)
	for what, change := range map[string]func(path string) error{
		"shorter": func(p string) error { return os.Truncate(p, 40) },
		"longer": func(p string) error {
			f, err := os.OpenFile(p, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.Write([]byte{0x0a})
			return err
		},
		"touched": func(p string) error { return os.Chtimes(p, time.Now(), time.Now().Add(time.Hour)) },
	} {
		path := write(t, t.TempDir(), "llama_rank_0-1_20.ckpt", content)
		done := false
		v, err := Inspect(context.Background(), path, Options{}, func(*Tensor) error {
			if done {
				return nil
			}
			done = true
			return change(path)
		})
		require.NoError(t, err)
		require.False(t, v.Complete, what)
		require.Contains(t, v.Reason, "while it was read", what)
	}
	// Deleted: the open file is still whole, and the verdict is about it.
	path := write(t, t.TempDir(), "llama_rank_0-1_20.ckpt", content)
	v, err := Inspect(context.Background(), path, Options{}, func(*Tensor) error {
		err := os.Remove(path)
		if os.IsNotExist(err) {
			return nil
		}
		return err
	})
	require.NoError(t, err)
	require.True(t, v.Complete)
}

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
		{"no name", recordBytes("", "Float32", []int64{4}, make([]byte, 16)), "no tensor name"},
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
		"unknown type":               recordBytes("w", "random_op", []int64{4}, make([]byte, 3)),
		"str":                        recordBytes("w", "str", []int64{0}, make([]byte, 12)),
		"scalar as dims [0]":         recordBytes("w", "Float32", []int64{0}, make([]byte, 4)),
		"scalar without dims":        recordBytes("w", "Float32", nil, make([]byte, 4)),
		"slices":                     append(recordBytes("w", "Float32", []int64{4}, make([]byte, 12)), recordBytes("w", "Float32", []int64{4}, make([]byte, 4))...),
		"packed dims, new field":     packed,
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

// A safetensors file begins with a length, which may be the first bytes of
// anything: 640 is how a Python pickle begins, 35615 gzip.
func TestLengthThatLooksLikeSomethingElse(t *testing.T) {
	for _, length := range []int{0x280, 0x8b1f} {
		header := `{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`
		header += strings.Repeat(" ", length-len(header))
		v := verdictOf(t, "a.safetensors", safetensors(header, 8), Options{})
		require.True(t, v.Complete, v.Reason)
	}
}

func TestTrainingCheckpointNeedsItsLastTensors(t *testing.T) {
	weights := recordBytes("w", "Float32", nil, make([]byte, 4))
	for name, complete := range map[string]bool{
		"llama_rank_0-1_20.ckpt":                  false,
		"llama_rank_0_3-1_20.ckpt":                false,
		"llama_rank_0-1_20_breakpoint.ckpt":       false,
		"lenet-1_1875.ckpt":                       false,
		"llama_rank_0-network.ckpt":               true,
		"llama_rank_0-network-1_20.ckpt":          true,
		"llama_rank_0-trainable_params-1_20.ckpt": true,
		"open_llama_7b_v2.ckpt":                   true,
		"llama-7b-1-2.ckpt":                       true,
	} {
		v := verdictOf(t, name, weights, Options{})
		require.Equal(t, complete, v.Complete, "%s: %s", name, v.Reason)
		require.True(t, verdictOf(t, name, weights, Options{AnyWriter: true}).Complete, name)
	}
	for _, lost := range []string{"epoch_num", "step_num", "loss_scale"} {
		content := weights
		for _, tag := range []string{"epoch_num", "step_num", "loss_scale"} {
			if tag != lost {
				content = append(content[:len(content):len(content)], int64Record(tag, 1)...)
			}
		}
		v := verdictOf(t, "llama_rank_0-1_20.ckpt", content, Options{})
		require.Contains(t, v.Reason, "has no "+lost+", with which")
	}
	header := `{"w":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}`
	require.Contains(t, verdictOf(t, "llama_rank_0-1_20.safetensors", safetensors(header, 4), Options{}).Reason, "epoch_num")
	require.True(t, verdictOf(t, "llama_rank_0-network-1_20.safetensors", safetensors(header, 4), Options{}).Complete)
}

func TestDamagedSafetensors(t *testing.T) {
	one := `"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}`
	tests := []struct {
		name, header string
		data         int
		reason       string // empty: complete
	}{
		{"whole", `{` + one + `}`, 8, ""},
		{"padded", `{` + one + `}      `, 8, ""},
		{"metadata", `{"__metadata__":{"format":"ms"},` + one + `}`, 8, ""},
		{"empty tensor", `{"e":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},` + one + `}`, 8, ""},
		{"unknown type", `{"w":{"dtype":"F4","shape":[3],"data_offsets":[0,8]}}`, 8, ""},
		{"byte missing", `{` + one + `}`, 7, "cut off: 1 of"},
		{"byte too many", `{` + one + `}`, 9, "1 bytes follow the last tensor"},
		{"no tensor", `{}`, 0, "it holds no tensor"},
		{"wrong size", `{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}`, 8, `tensor "w" has 8 bytes, but F32 of shape [3] needs 12`},
		{"gap", `{` + one + `,"v":{"dtype":"U8","shape":[1],"data_offsets":[9,10]}}`, 10, "does not begin where the one before it ends"},
		{"overlap", `{` + one + `,"v":{"dtype":"U8","shape":[1],"data_offsets":[7,8]}}`, 8, "does not begin where the one before it ends"},
		{"twice", `{` + one + `,` + one + `}`, 8, "does not begin where the one before it ends"},
		{"backwards", `{"w":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}`, 8, "absurd"},
		{"negative place", `{"w":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}`, 8, "absurd"},
		{"absurd place", `{"w":{"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]}}`, 8, "absurd shape"},
		{"larger than any file", `{"w":{"dtype":"U8","shape":[4611686018427387904],"data_offsets":[0,4611686018427387904]}}`, 8, "cut off: 4611686018427387896 of"},
		{"number too large", `{"w":{"dtype":"U8","shape":[1e30],"data_offsets":[0,8]}}`, 8, "not the JSON"},
		{"overflowing shape", `{"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}`, 8, "absurd shape"},
		{"negative shape", `{"w":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}`, 8, "absurd shape"},
		{"too many dimensions", `{"w":{"dtype":"F32","shape":[` + strings.Repeat("1,", 100) + `2],"data_offsets":[0,8]}}`, 8, "more than 64 numbers"},
		{"no type", `{"w":{"shape":[2],"data_offsets":[0,8]}}`, 8, "has no type"},
		{"no place", `{"w":{"dtype":"F32","shape":[2]}}`, 8, "absurd"},
		{"JSON cut", `{"w":{"dtype":"F32","shape":[2],"data`, 8, "in the middle of the JSON"},
		{"JSON goes on", `{` + one + `} {}`, 8, "goes on after the JSON"},
		{"zeros after the JSON", `{` + one + "}\x00\x00", 8, "goes on after the JSON"},
		{"an array", `{"w":[1,2]}`, 8, "not the JSON"},
		{"metadata is no object", `{"__metadata__":[],` + one + `}`, 8, "not the JSON"},
		{"metadata holds objects", `{"__metadata__":{"a":{}},` + one + `}`, 8, "something else than strings"},
		{"CRC is no number", `{"__metadata__":{"crc_num":"99999999999"},` + one + `}`, 8, "is no number of 32 bits"},
		{"long name", `{"` + strings.Repeat("n", 70_000) + `":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8, "a name or number of more than"},
		{"deep nesting", `{"w":` + strings.Repeat("[", 20_000), 8, "not the JSON"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := verdictOf(t, "a.safetensors", safetensors(test.header, test.data), Options{})
			require.Equal(t, test.reason == "", v.Complete, v.Reason)
			require.Contains(t, v.Reason, test.reason)
		})
	}
}

// allocated measures how much memory is asked for while verifying, all told.
func allocated(t *testing.T, path string, opt Options) (uint64, Verdict) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	v, err := Verify(context.Background(), path, opt)
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	return after.TotalAlloc - before.TotalAlloc, v
}

// However large a file, or however large it says to be, the memory is that of
// a buffer.
func TestMemoryIsBounded(t *testing.T) {
	dir := t.TempDir()

	// 4.5 GiB in nine slices of one tensor, all holes.
	big := sparseCkpt(t, filepath.Join(dir, "big.ckpt"))
	n, v := allocated(t, big, Options{})
	require.True(t, v.Complete, v.Reason)
	require.Less(t, n, uint64(1<<20), "structure")

	// Sizes that nobody has memory for.
	for _, head := range [][]byte{
		recordHead("w", "Float32", []int64{1 << 59}, 1<<61),
		[]byte("\x0a\xff\xff\xff\xff\xff\xff\xff\x7f\x0a\xff\xff\xff\xff\xff\xff\x7f"),
		binary.LittleEndian.AppendUint64(nil, math.MaxInt64),
		append(binary.LittleEndian.AppendUint64(nil, maxHeader), '{'),
	} {
		n, v = allocated(t, write(t, dir, "absurd.ckpt", head), Options{})
		require.False(t, v.Complete)
		require.Less(t, n, uint64(1<<20), v.Reason)
	}

	// A header of 90 MB that is one name.
	long := safetensors(`{"`+strings.Repeat("n", 90_000_000), 0)
	n, v = allocated(t, write(t, dir, "long.safetensors", long), Options{})
	require.Contains(t, v.Reason, "a name or number")
	require.Less(t, n, uint64(1<<20))
	require.NoError(t, os.Remove(filepath.Join(dir, "long.safetensors")))

	// One that names a million tensors.
	var many bytes.Buffer
	many.WriteByte('{')
	for i := range 1_000_000 {
		fmt.Fprintf(&many, `"%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},`, i)
	}
	n, v = allocated(t, write(t, dir, "many.safetensors", safetensors(many.String(), 0)), Options{})
	require.Equal(t, "its header names more than 250000 tensors", v.Reason)
	require.Less(t, n, uint64(512<<20), "all told; most of it is garbage at once")
}

// sparseCkpt writes 4.5 GiB of zeros as MindSpore slices them, without using
// the disk: the contents are holes.
func sparseCkpt(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	off := int64(0)
	put := func(b []byte) {
		_, err := f.WriteAt(b, off)
		require.NoError(t, err)
		off += int64(len(b))
	}
	put(recordBytes("first", "Float32", nil, make([]byte, 4)))
	const slice = 512 << 20
	for range 9 {
		put(recordHead("embedding", "Float32", []int64{9, 128 << 20}, slice))
		off += slice
	}
	put(recordBytes("last", "Float32", nil, make([]byte, 4)))
	put(trainingTail(1, 20))
	return path
}

// A tensor above 512 MiB is several records, and a file above 4 GiB needs 64
// bits for everything.
func TestSlicedTensorAbove4GiB(t *testing.T) {
	path := sparseCkpt(t, filepath.Join(t.TempDir(), "llama_rank_0-1_20.ckpt"))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Greater(t, info.Size(), int64(math.MaxUint32))
	var big *Tensor
	v, err := Inspect(context.Background(), path, Options{}, func(x *Tensor) error {
		if x.Name == "embedding" {
			big = x
		}
		return nil
	})
	require.NoError(t, err)
	require.True(t, v.Complete, v.Reason)
	require.Equal(t, 6, v.Tensors)
	require.Equal(t, int64(9*512<<20), big.Bytes)
	require.Len(t, big.sections, 9)
	require.Equal(t, int64(20), *v.Step, "read from beyond 4 GiB")

	// Without its last slice the tensor is too short, wherever the cut is.
	for _, size := range []int64{4<<30 + 500, 513 << 20, 1 << 20} {
		require.NoError(t, os.Truncate(path, size))
		v, err := Verify(context.Background(), path, Options{})
		require.NoError(t, err)
		require.Contains(t, v.Reason, `cut off within tensor "embedding"`)
	}
}
