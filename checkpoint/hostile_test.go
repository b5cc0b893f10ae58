package checkpoint

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
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
		{"type of half bytes", `{"w":{"dtype":"F4","shape":[16],"data_offsets":[0,8]}}`, 8, ""},
		{"type to come", `{"w":{"dtype":"F128","shape":[1],"data_offsets":[0,16]}}`, 16, ""},
		{"type to come, wrong size", `{"w":{"dtype":"F128","shape":[2],"data_offsets":[0,16]}}`, 16, "its format does not have"},
		{"damaged type", `{"w":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}}`, 8, `is of type "F33", which its format does not have`},
		{"type that MindSpore writes and does not load", `{"w":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}}`, 8, `of type C64, which MindSpore writes but does not load`},
		{"name is no UTF-8", `{"w` + "\xe1" + `":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8, "not UTF-8"},
		{"name of three bytes a character", `{"` + strings.Repeat("权", 3000) + `":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8, ""},
		{"byte missing", `{` + one + `}`, 7, "cut off: 1 of"},
		{"byte too many", `{` + one + `}`, 9, "1 bytes follow the last tensor"},
		{"no tensor", `{}`, 0, "it holds no tensor"},
		{"wrong size", `{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}`, 8, `tensor "w" has 8 bytes, but F32 of shape [3] needs 12`},
		{"gap", `{` + one + `,"v":{"dtype":"U8","shape":[1],"data_offsets":[9,10]}}`, 10, "does not begin where the one before it ends"},
		{"overlap", `{` + one + `,"v":{"dtype":"U8","shape":[1],"data_offsets":[7,8]}}`, 8, "does not begin where the one before it ends"},
		{"twice", `{` + one + `,` + one + `}`, 8, `names tensor "w" twice`},
		{"twice, in two places", `{` + one + `,"w":{"dtype":"U8","shape":[1],"data_offsets":[8,9]}}`, 9, `names tensor "w" twice`},
		{"two tensors in one place", `{` + one + `,"v":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8, "does not begin where the one before it ends"},
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
		{"CRC is no number", `{"__metadata__":{"crc_num":"99999999999"},` + one + `}`, 8, "is not a 32-bit number"},
		{"long name", `{"` + strings.Repeat("n", 70_000) + `":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8, "a name or number of more than"},
		{"blanks without end", `{` + strings.Repeat(" ", 70_000) + one + `}`, 8, "blanks in a row"},
		{"padded by a page", `{` + one + `}` + strings.Repeat(" ", 4096), 8, ""},
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
