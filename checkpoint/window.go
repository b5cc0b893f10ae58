package checkpoint

import (
	"errors"
	"io"
	"unicode/utf8"
)

// window reads small pieces of a large file through one small buffer, so that
// walking a file costs the same memory whatever its size. Offsets are 64 bits
// everywhere: checkpoints are larger than 4 GiB.
type window struct {
	r    io.ReaderAt
	size int64
	buf  [4096]byte
	// start and n say which bytes of the file buf holds.
	start int64
	n     int
}

// errCut is a read beyond the end of the file.
var errCut = errors.New("the file ends too early")

// at returns n bytes at off, n ≤ len(buf). They are valid until the next call.
func (w *window) at(off int64, n int) ([]byte, error) {
	if off < 0 || off > w.size || int64(n) > w.size-off {
		return nil, errCut
	}
	if off < w.start || off+int64(n) > w.start+int64(w.n) {
		want := int(min(int64(len(w.buf)), w.size-off))
		got, err := w.r.ReadAt(w.buf[:want], off)
		if got < n {
			w.n = 0
			return nil, readError(off, err)
		}
		w.start, w.n = off, got
	}
	i := int(off - w.start)
	return w.buf[i : i+n], nil
}

// varint reads a protobuf number that ends before end, and where it ends.
func (w *window) varint(off, end int64) (v uint64, next int64, err error) {
	for shift := uint(0); shift < 70; shift += 7 {
		if off >= end {
			return 0, 0, damagef("a number runs over the end of its record")
		}
		b, err := w.at(off, 1)
		if err != nil {
			return 0, 0, err
		}
		off++
		if shift == 63 && b[0] > 1 {
			break
		}
		v |= uint64(b[0]&0x7f) << shift
		if b[0] < 0x80 {
			return v, off, nil
		}
	}
	return 0, 0, damagef("a number is longer than 64 bits")
}

// The wire types of protobuf.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

// maxField is the highest number that protobuf allows a field.
const maxField = 1<<29 - 1

// field is one field of a protobuf message: its number, and where its value
// lies (for a varint: the value itself).
type field struct {
	number   uint64
	wire     uint8
	value    uint64
	off, len int64
	next     int64
}

// field reads the field at off of a message that ends at end. A length must
// fit into the message; whether the message fits into the file is found out
// when its bytes are asked for.
func (w *window) field(off, end int64) (f field, err error) {
	key, off, err := w.varint(off, end)
	if err != nil {
		return f, err
	}
	f.number, f.wire = key>>3, uint8(key&7)
	if f.number == 0 || f.number > maxField {
		return f, damagef("there is no protobuf field of number %d", f.number)
	}
	switch f.wire {
	case wireVarint:
		f.value, f.next, err = w.varint(off, end)
		return f, err
	case wireFixed64:
		f.off, f.len = off, 8
	case wireFixed32:
		f.off, f.len = off, 4
	case wireBytes:
		n, off, err := w.varint(off, end)
		if err != nil {
			return f, err
		}
		if n > uint64(end-off) {
			return f, damagef("a length of %d bytes does not fit into its record", n)
		}
		f.off, f.len = off, int64(n)
	default:
		return f, damagef("there is no protobuf of wire type %d", f.wire)
	}
	if f.len > end-f.off {
		return f, damagef("a value runs over the end of its record")
	}
	f.next = f.off + f.len
	return f, nil
}

// text reads a string field of at most limit bytes, limit ≤ len(buf). protobuf
// refuses a file with a string that is not UTF-8.
func (w *window) text(f field, limit int64) (string, error) {
	if f.wire != wireBytes {
		return "", damagef("a name is a number")
	}
	if f.len > limit {
		return "", damagef("a name of %d bytes is absurd", f.len)
	}
	b, err := w.at(f.off, int(f.len))
	if err == nil && !utf8.Valid(b) {
		err = damagef("the name %q is not UTF-8", b)
	}
	return string(b), err
}
