package checkpoint

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// recordHead serialises one tensor as MindSpore does: the bytes before the content
// and how long the content is to be, so that large ones need not be made.
func recordHead(tag, typ string, dims []int64, content int64) []byte {
	var t []byte
	for _, d := range dims {
		t = binary.AppendUvarint(append(t, 0x08), uint64(d))
	}
	t = binary.AppendUvarint(append(t, 0x12), uint64(len(typ)))
	t = append(t, typ...)
	t = binary.AppendUvarint(append(t, 0x1a), uint64(content))

	v := binary.AppendUvarint([]byte{0x0a}, uint64(len(tag)))
	v = append(v, tag...)
	v = binary.AppendUvarint(append(v, 0x12), uint64(int64(len(t))+content))
	v = append(v, t...)

	r := binary.AppendUvarint([]byte{0x0a}, uint64(int64(len(v))+content))
	return append(r, v...)
}

func recordBytes(tag, typ string, dims []int64, content []byte) []byte {
	return append(recordHead(tag, typ, dims, int64(len(content))), content...)
}

// mapRecord is a map parameter: keys, values and states, all alike here.
func mapRecord(tag, tensor string) []byte {
	var maps []byte
	for range 3 {
		maps = append(binary.AppendUvarint(append(maps, 0x0a), uint64(len(tensor))), tensor...)
	}
	v := binary.AppendUvarint([]byte{0x0a}, uint64(len(tag)))
	v = append(v, tag...)
	v = append(binary.AppendUvarint(append(v, 0x1a), uint64(len(maps))), maps...)
	return append(binary.AppendUvarint([]byte{0x0a}, uint64(len(v))), v...)
}

func int64Record(tag string, n int64) []byte {
	return recordBytes(tag, "Int64", nil, binary.LittleEndian.AppendUint64(nil, uint64(n)))
}

// trainingTail is what mindformers ends a training checkpoint with.
func trainingTail(epoch, step int64) []byte {
	b := append(int64Record("epoch_num", epoch), int64Record("step_num", step)...)
	return append(b, recordBytes("loss_scale", "Float32", nil, []byte{0, 0, 128, 63})...)
}

// training is a small but whole training checkpoint.
func training(epoch, step, globalStep int64) []byte {
	b := recordBytes("w", "Float32", []int64{2, 2}, make([]byte, 16))
	b = append(b, recordBytes("global_step", "Int32", []int64{1}, binary.LittleEndian.AppendUint32(nil, uint32(globalStep)))...)
	return append(b, trainingTail(epoch, step)...)
}

func safetensors(header string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, data)...)
}

func write(t testing.TB, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, content, 0o644))
	return path
}

// boundaries are the offsets at which the records of a .ckpt end.
func boundaries(t testing.TB, b []byte) map[int]bool {
	t.Helper()
	out := map[int]bool{}
	for off := 0; off < len(b); {
		require.Equal(t, byte(recordKey), b[off], fmt.Sprint(off))
		n, k := binary.Uvarint(b[off+1:])
		require.Positive(t, k)
		off += 1 + k + int(n)
		out[off] = true
		if len(b)-off == crcTrailerLen {
			break
		}
	}
	return out
}
